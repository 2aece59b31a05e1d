//! Triangular factors: Cholesky's, LU by partial pivoting, and systems solved by them. Blocks of columns
//! one by one, and what remains by a product (Golub & Van Loan, Matrix Computations, ch. 3 and 4).

use super::singular::Singular;
use super::{add_scaled, dot, largest, transposed, two_rows};
use crate::kernels::gemm::{gemm, Mat, MatMut, NoEpilogue};
use crate::memory::room;

/// Columns of a block.
const BLOCK: usize = 48;

/// Rows `rows` and columns `cols` of a matrix of `n` columns, negated, as a matrix of its own.
fn negated(
    a: &[f64],
    n: usize,
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
) -> Vec<f64> {
    let mut out = room(0.0, rows.len() * cols.len());
    for (i, out) in rows.zip(out.chunks_exact_mut(cols.len().max(1))) {
        for (to, v) in out.iter_mut().zip(&a[i * n..][cols.clone()]) {
            *to = -v;
        }
    }
    out
}

/// `L` with `a = L L^T` over `a` (n, n), of which the lower triangle is read. False where `a` is not
/// positive definite.
pub fn cholesky(a: &mut [f64], n: usize) -> bool {
    for from in (0..n).step_by(BLOCK) {
        let to = (from + BLOCK).min(n);
        for i in from..n {
            let (above, below) = a.split_at_mut(i * n);
            let row = &mut below[..n];
            for j in from..to.min(i) {
                let upper = &above[j * n..][..n];
                row[j] = (row[j] - dot(&row[from..j], &upper[from..j])) / upper[j];
            }
            if i < to {
                let square = row[i] - dot(&row[from..i], &row[from..i]);
                if square.is_nan() || square <= 0.0 || square.is_infinite() {
                    return false;
                }
                row[i] = square.sqrt();
                row[i + 1..].fill(0.0);
            }
        }
        if to < n {
            let left = negated(a, n, to..n, from..to);
            let mut right = left.clone();
            right.iter_mut().for_each(|v| *v = -*v);
            let (rest, block) = (n - to, to - from);
            gemm(
                Mat::row_major(&left, rest, block),
                Mat::row_major(&right, rest, block).t(),
                MatMut::new(&mut a[to * n + to..], rest, rest, n),
                true,
                &NoEpilogue,
            );
        }
    }
    true
}

/// `L` below the diagonal of `a` (m, n), its diagonal 1, and `U` above, of `P a = L U`; row `i` was
/// exchanged with row `pivots[i]`.
pub fn lu(a: &mut [f64], m: usize, n: usize, pivots: &mut [usize]) {
    let size = m.min(n);
    for from in (0..size).step_by(BLOCK) {
        let to = (from + BLOCK).min(size);
        for k in from..to {
            let mut best = k;
            for i in k + 1..m {
                let (v, top) = (a[i * n + k].abs(), a[best * n + k].abs());
                if v > top || (v.is_nan() && !top.is_nan()) {
                    best = i;
                }
            }
            pivots[k] = best;
            if best != k {
                let (x, y) = two_rows(a, n, k, best);
                x.swap_with_slice(y);
            }
            let (above, below) = a.split_at_mut((k + 1) * n);
            let pivot = &above[k * n..];
            if pivot[k] == 0.0 {
                continue;
            }
            for row in below.chunks_exact_mut(n) {
                let factor = row[k] / pivot[k];
                row[k] = factor;
                add_scaled(&mut row[k + 1..to], -factor, &pivot[k + 1..to]);
            }
        }
        if to < n {
            for k in from..to {
                for i in k + 1..to {
                    let factor = a[i * n + k];
                    let (upper, row) = two_rows(a, n, k, i);
                    add_scaled(&mut row[to..], -factor, &upper[to..]);
                }
            }
        }
        if to < n && to < m {
            let left = negated(a, n, to..m, from..to);
            let (above, below) = a.split_at_mut(to * n);
            gemm(
                Mat::row_major(&left, m - to, to - from),
                Mat::new(&above[from * n + to..], to - from, n - to, n, 1),
                MatMut::new(&mut below[to..], m - to, n - to, n),
                true,
                &NoEpilogue,
            );
        }
    }
}

/// Which triangle of a matrix is read, and how.
#[derive(Clone, Copy, Debug)]
pub struct Triangle {
    pub lower: bool,
    /// Whether its diagonal counts as 1.
    pub unit: bool,
}

/// The x with `a x = b` over b (n, k), of one triangle of a (n, n). False where a 0 is on the diagonal.
pub fn solve_triangle(a: &[f64], n: usize, how: Triangle, b: &mut [f64]) -> bool {
    if !how.unit && (0..n).any(|i| a[i * n + i] == 0.0) {
        return false;
    }
    let k = b.len() / n.max(1);
    if k == 0 {
        return true;
    }
    let blocks = n.div_ceil(BLOCK);
    for number in 0..blocks {
        let block = if how.lower {
            number
        } else {
            blocks - 1 - number
        };
        let (from, to) = (block * BLOCK, ((block + 1) * BLOCK).min(n));
        for step in 0..to - from {
            let i = if how.lower {
                from + step
            } else {
                to - 1 - step
            };
            let row = &a[i * n..][..n];
            let known = if how.lower { from..i } else { i + 1..to };
            for j in known {
                let (lesser, greater) = two_rows(b, k, i.min(j), i.max(j));
                let (x, y) = if how.lower {
                    (greater, lesser)
                } else {
                    (lesser, greater)
                };
                add_scaled(x, -row[j], y);
            }
            if !how.unit {
                b[i * k..][..k].iter_mut().for_each(|v| *v /= row[i]);
            }
        }
        let rest = if how.lower { to..n } else { 0..from };
        if !rest.is_empty() {
            let left = negated(a, n, rest.clone(), from..to);
            let (above, below) = b.split_at_mut(if how.lower { to } else { from } * k);
            let (x, y) = match how.lower {
                true => (&above[from * k..], below),
                false => (&below[..(to - from) * k], above),
            };
            gemm(
                Mat::row_major(&left, rest.len(), to - from),
                Mat::row_major(x, to - from, k),
                MatMut::row_major(y, rest.len(), k),
                true,
                &NoEpilogue,
            );
        }
    }
    true
}

/// The x with `a x = b` over b (n, k), given what [`lu`] made of a. False for a singular a.
pub fn solve(factors: &[f64], n: usize, pivots: &[usize], b: &mut [f64]) -> bool {
    let k = b.len() / n.max(1);
    for (i, &pivot) in pivots.iter().enumerate() {
        if pivot != i && k > 0 {
            let (x, y) = two_rows(b, k, i, pivot);
            x.swap_with_slice(y);
        }
    }
    let (l, u) = (true, false);
    solve_triangle(
        factors,
        n,
        Triangle {
            lower: l,
            unit: true,
        },
        b,
    ) && solve_triangle(
        factors,
        n,
        Triangle {
            lower: u,
            unit: false,
        },
        b,
    )
}

/// The sign of the determinant, and ln of its size, given what [`lu`] made of the matrix.
pub fn log_determinant(factors: &[f64], n: usize, pivots: &[usize]) -> (f64, f64) {
    let mut sign = swaps(pivots);
    let mut log = 0.0;
    for i in 0..n {
        let v = factors[i * n + i];
        sign *= if v == 0.0 {
            0.0
        } else if v.is_nan() {
            v
        } else {
            v.signum()
        };
        log += crate::kernels::math::log(v.abs());
    }
    (sign, log)
}

/// The determinant, given what [`lu`] made of the matrix.
pub fn determinant(factors: &[f64], n: usize, pivots: &[usize]) -> f64 {
    (0..n).fold(swaps(pivots), |product, i| product * factors[i * n + i])
}

/// -1 for an odd number of exchanges, else 1.
fn swaps(pivots: &[usize]) -> f64 {
    let odd = pivots.iter().enumerate().filter(|(i, p)| i != *p).count() % 2 == 1;
    if odd {
        -1.0
    } else {
        1.0
    }
}

/// From this ratio of the smallest to the largest pivot on, a matrix counts as far from singular.
const FAR_FROM_SINGULAR: f64 = 1e-6;

/// The cofactors of a matrix (n, n): by its inverse, or by singular values where it is close to singular;
/// none where those are not found.
pub fn cofactors(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let (mut factors, mut pivots) = (a.to_vec(), room(0, n));
    lu(&mut factors, n, n, &mut pivots);
    let size = |i: usize| factors[i * n + i].abs();
    let smallest = (0..n).map(size).fold(f64::INFINITY, f64::min);
    let largest_pivot = (0..n).map(size).fold(0.0, f64::max);
    let whole = determinant(&factors, n, &pivots);
    if smallest > FAR_FROM_SINGULAR * largest_pivot && whole.is_normal() {
        let mut inverse = room(0.0, n * n);
        (0..n).for_each(|i| inverse[i * n + i] = whole);
        solve(&factors, n, &pivots, &mut inverse).then_some(())?;
        return Some(transposed(&inverse, n));
    }
    if !largest(a).is_finite() {
        return None;
    }
    // a = U S V^T: det(U) det(V) U (the products of the other values) V^T.
    let Singular {
        values,
        mut u,
        mut v,
    } = Singular::of(a, n, n, false)?;
    let mut sign = 1.0;
    for rows in [&u, &v] {
        let mut factors = rows.clone();
        lu(&mut factors, n, n, &mut pivots);
        sign *= determinant(&factors, n, &pivots).signum();
    }
    for (i, row) in u.chunks_exact_mut(n).enumerate() {
        let others = values.iter().enumerate().filter(|(j, _)| *j != i);
        let product: f64 = others.map(|(_, s)| *s).product();
        row.iter_mut().for_each(|x| *x *= sign * product);
    }
    (u, v) = (transposed(&u, n), transposed(&v, n));
    let rows = u.chunks_exact(n);
    Some(
        rows.flat_map(|x| v.chunks_exact(n).map(move |y| dot(x, y)))
            .collect(),
    )
}
