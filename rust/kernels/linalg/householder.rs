//! Q and R by Householder's reflections `H = I - t v v^T`, `v_0 = 1`, with LAPACK's signs: a diagonal
//! element of R has the other sign than the element that was there (Golub & Van Loan, section 5.2).

use super::{add_scaled, dot, largest, scale_of};
use crate::memory::room;

/// Turns `x` into `(x_0, 0, ..., 0)`: writes the new `x_0` and the reflection's `v_1, ...` over `x`, and
/// gives its `t`; 0 where nothing is to be done.
pub fn reflection(x: &mut [f64]) -> f64 {
    let Some((first, rest)) = x.split_first_mut() else {
        return 0.0;
    };
    let top = largest(rest);
    if top == 0.0 {
        return 0.0;
    }
    let scale = scale_of(largest(&[top, *first]));
    rest.iter_mut().for_each(|v| *v /= scale);
    let head = *first / scale;
    let size = dot(rest, rest) + head * head;
    let new = match head.is_sign_negative() {
        true => size.sqrt(),
        false => -size.sqrt(),
    };
    rest.iter_mut().for_each(|v| *v /= head - new);
    *first = new * scale;
    (new - head) / new
}

/// `y = (I - t v v^T) y`, where the first element of v, whatever is stored, counts as 1.
pub fn reflect(y: &mut [f64], v: &[f64], t: f64) {
    let Some((first, rest)) = y.split_first_mut() else {
        return;
    };
    let product = -t * (*first + dot(rest, &v[1..]));
    *first += product;
    add_scaled(rest, product, &v[1..]);
}

/// The reflections of `columns`, the columns of an (m, n) matrix one after the other, of m elements each:
/// written over them, with R on and above the diagonal.
pub struct Reflections {
    pub columns: Vec<f64>,
    pub m: usize,
    pub scales: Vec<f64>,
}

impl Reflections {
    pub fn of(mut columns: Vec<f64>, m: usize) -> Self {
        let n = columns.len() / m.max(1);
        let mut scales = room(0.0, m.min(n));
        for (k, scale) in scales.iter_mut().enumerate() {
            let (done, rest) = columns.split_at_mut((k + 1) * m);
            let column = &mut done[k * m + k..];
            *scale = reflection(column);
            for other in rest.chunks_exact_mut(m) {
                reflect(&mut other[k..], column, *scale);
            }
        }
        Reflections { columns, m, scales }
    }

    /// `y = Q y` for a vector of m elements.
    pub fn apply(&self, y: &mut [f64]) {
        for (k, scale) in self.scales.iter().enumerate().rev() {
            reflect(
                &mut y[k..],
                &self.columns[k * self.m + k..(k + 1) * self.m],
                *scale,
            );
        }
    }

    /// The first `count` columns of Q, one after the other.
    pub fn q(&self, count: usize) -> Vec<f64> {
        let mut q = room(0.0, count * self.m);
        for (j, column) in q.chunks_exact_mut(self.m.max(1)).enumerate() {
            column[j] = 1.0;
            self.apply(column);
        }
        q
    }

    /// R, `rows` rows of it, row after row.
    pub fn r(&self, rows: usize) -> Vec<f64> {
        let n = self.columns.len() / self.m.max(1);
        let mut r = room(0.0, rows * n);
        for (j, column) in self.columns.chunks_exact(self.m.max(1)).enumerate() {
            for i in 0..rows.min(j + 1) {
                r[i * n + j] = column[i];
            }
        }
        r
    }
}

/// Gives each row the sign with which its largest element, the first of equal ones, is positive, and the
/// row of the same number in `others` the same turn.
pub fn turn_signs(rows: &mut [f64], n: usize, others: &mut [f64], m: usize) {
    let mut others = others.chunks_exact_mut(m.max(1));
    for row in rows.chunks_exact_mut(n.max(1)) {
        let other = others.next();
        let pick = |top: f64, v: &f64| if v.abs() > top.abs() { *v } else { top };
        if row.iter().fold(0.0, pick) < 0.0 {
            row.iter_mut().for_each(|v| *v = -*v);
            other.into_iter().flatten().for_each(|v| *v = -*v);
        }
    }
}
