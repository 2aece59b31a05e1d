//! Singular values and vectors: Householder's QR, then Jacobi's rotations of R's rows until they are
//! orthogonal (Hestenes 1958; Demmel & Veselic, "Jacobi's method is more accurate than QR", 1992).

use super::householder::{turn_signs, Reflections};
use super::{add_scaled, dot, largest, rotate, scale_of, transposed, two_rows};
use crate::memory::room;

/// Sweeps over all pairs of rows, of which six to ten are usual.
const SWEEPS: usize = 60;

/// `a = U diag(s) V^T`: `k = min(m, n)` values, descending, and rows of `U^T` and `V^T`, k of each or, if
/// `full`, m and n. The largest element of each column of U is positive.
pub struct Singular {
    pub values: Vec<f64>,
    pub u: Vec<f64>,
    pub v: Vec<f64>,
}

impl Singular {
    /// Of a matrix (m, n) of finite numbers; none where the sweeps do not end.
    pub fn of(a: &[f64], m: usize, n: usize, full: bool) -> Option<Self> {
        let scale = scale_of(largest(a));
        let tall = m >= n;
        let mut columns = if tall { transposed(a, n) } else { a.to_vec() };
        columns.iter_mut().for_each(|v| *v /= scale);
        let (long, short) = (m.max(n), m.min(n));
        let mut found = of_tall(columns, long, short, full)?;
        found.values.iter_mut().for_each(|v| *v *= scale);
        if !tall {
            std::mem::swap(&mut found.u, &mut found.v);
        }
        turn_signs(&mut found.u, m, &mut found.v, n);
        Some(found)
    }
}

/// Of a matrix with m >= n, given by its columns.
fn of_tall(columns: Vec<f64>, m: usize, n: usize, full: bool) -> Option<Singular> {
    let reflections = Reflections::of(columns, m);
    let mut rows = reflections.r(n);
    let mut turns = room(0.0, n * n);
    (0..n).for_each(|i| turns[i * n + i] = 1.0);
    make_orthogonal(&mut rows, &mut turns, n).then_some(())?;
    let sizes: Vec<f64> = (0..n).map(|i| length(&rows[i * n..][..n])).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| sizes[*j].total_cmp(&sizes[*i]));
    let count = if full { m } else { n };
    let (mut u, mut v) = (room(0.0, count * m), room(0.0, n * n));
    for (to, &from) in order.iter().enumerate() {
        u[to * m..][..n].copy_from_slice(&turns[from * n..][..n]);
        if sizes[from] > 0.0 {
            let row = &rows[from * n..][..n];
            for (to, x) in v[to * n..][..n].iter_mut().zip(row) {
                *to = x / sizes[from];
            }
        }
    }
    (n..count).for_each(|j| u[j * m + j] = 1.0);
    u.chunks_exact_mut(m.max(1))
        .for_each(|row| reflections.apply(row));
    let values: Vec<f64> = order.iter().map(|i| sizes[*i]).collect();
    let rank = values.iter().filter(|s| **s > 0.0).count();
    complete(&mut v, n, rank);
    Some(Singular { values, u, v })
}

fn length(x: &[f64]) -> f64 {
    let top = largest(x);
    let scale = scale_of(top);
    if scale == 1.0 {
        return dot(x, x).sqrt();
    }
    let x: Vec<f64> = x.iter().map(|v| v / scale).collect();
    dot(&x, &x).sqrt() * scale
}

/// Rotates pairs of rows until all are orthogonal, and the rows of `turns` with them; a longer row comes
/// to stand before a shorter one. False where the sweeps do not end.
fn make_orthogonal(rows: &mut [f64], turns: &mut [f64], n: usize) -> bool {
    let close = f64::EPSILON * (n as f64).sqrt();
    for _ in 0..SWEEPS {
        let mut squares: Vec<f64> = rows.chunks_exact(n.max(1)).map(|x| dot(x, x)).collect();
        let mut is_done = true;
        for i in 0..n {
            for j in i + 1..n {
                let (x, y) = two_rows(rows, n, i, j);
                let product = dot(x, y);
                let apart = product.abs() <= close * squares[i].sqrt() * squares[j].sqrt();
                let is_ordered = squares[i] >= squares[j];
                if (apart && is_ordered) || squares[i] + squares[j] == 0.0 {
                    continue;
                }
                is_done &= apart;
                let (tan, cos) = match apart {
                    true => (0.0, 1.0),
                    false => angle((squares[j] - squares[i]) / (2.0 * product)),
                };
                let sin = cos * tan;
                let (less, more) = (squares[i] - tan * product, squares[j] + tan * product);
                let turn = match less >= more {
                    true => [cos, -sin, sin, cos],
                    false => [sin, cos, cos, -sin],
                };
                (squares[i], squares[j]) = (less.max(more), less.min(more).max(0.0));
                rotate(x, y, turn);
                let (x, y) = two_rows(turns, n, i, j);
                rotate(x, y, turn);
            }
        }
        if is_done {
            return true;
        }
    }
    false
}

/// tan and cos of the smaller angle whose doubled cotangent is `slope`.
fn angle(slope: f64) -> (f64, f64) {
    let tan = 1.0 / (slope.abs() + (1.0 + slope * slope).sqrt());
    let tan = if slope < 0.0 { -tan } else { tan };
    (tan, 1.0 / (1.0 + tan * tan).sqrt())
}

/// Fills the rows of `v` (n, n) from `rank` on so that all are orthonormal: each time by the unit vector
/// that is farthest from those that are there.
fn complete(v: &mut [f64], n: usize, rank: usize) {
    for at in rank..n {
        let (done, rest) = v.split_at_mut(at * n);
        let mut inside = room(0.0, n);
        for row in done.chunks_exact(n) {
            inside.iter_mut().zip(row).for_each(|(s, x)| *s += x * x);
        }
        let nearest = |best: usize, j: usize| if inside[j] < inside[best] { j } else { best };
        let row = &mut rest[..n];
        row.fill(0.0);
        row[(0..n).fold(0, nearest)] = 1.0;
        for _ in 0..2 {
            for other in done.chunks_exact(n) {
                let share = dot(row, other);
                add_scaled(row, -share, other);
            }
            let size = length(row);
            row.iter_mut().for_each(|x| *x /= size);
        }
    }
}
