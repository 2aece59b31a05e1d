//! Eigenvalues and eigenvectors of a symmetric matrix: to tridiagonal form by Householder's reflections,
//! then QL with implicit shifts (Golub & Van Loan, section 8.3; Bowdler, Martin, Reinsch & Wilkinson, "The
//! QR and QL algorithms for symmetric matrices", 1968).

use super::householder::{reflect, reflection, turn_signs};
use super::{add_scaled, dot, largest, rotate, scale_of, two_rows};
use crate::memory::room;

/// Turns of QL for one eigenvalue, of which two are usual.
const TURNS: usize = 60;

/// The eigenvalues, ascending, and the eigenvectors, one after the other, each with its largest element
/// positive, of a symmetric matrix (n, n) of finite numbers; none where QL does not end.
pub fn eigen(mut a: Vec<f64>, n: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let scale = scale_of(largest(&a));
    a.iter_mut().for_each(|v| *v /= scale);
    let (mut diagonal, mut beside, mut vectors) = tridiagonal(a, n);
    if !ql(&mut diagonal, &mut beside, &mut vectors) {
        return None;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| diagonal[*i].total_cmp(&diagonal[*j]));
    let values = order.iter().map(|i| diagonal[*i] * scale).collect();
    let mut sorted = room(0.0, n * n);
    for (to, from) in sorted.chunks_exact_mut(n.max(1)).zip(&order) {
        to.copy_from_slice(&vectors[from * n..][..n]);
    }
    turn_signs(&mut sorted, n, &mut [], 0);
    Some((values, sorted))
}

/// T's diagonal, what stands beside it, and the rows of Q^T, with `a = Q T Q^T`.
fn tridiagonal(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut scales = room(0.0, n);
    let mut product = room(0.0, n);
    for k in 0..n.saturating_sub(2) {
        let (done, rest) = a.split_at_mut((k + 1) * n);
        let row = &mut done[k * n + k + 1..];
        let t = reflection(row);
        scales[k] = t;
        if t == 0.0 {
            continue;
        }
        let corner = std::mem::replace(&mut row[0], 1.0);
        let v = &row[..];
        let product = &mut product[k + 1..];
        for (to, row) in product.iter_mut().zip(rest.chunks_exact(n)) {
            *to = t * dot(&row[k + 1..], v);
        }
        let half = -0.5 * t * dot(product, v);
        add_scaled(product, half, v);
        for (i, row) in rest.chunks_exact_mut(n).enumerate() {
            add_scaled(&mut row[k + 1..], -v[i], product);
            add_scaled(&mut row[k + 1..], -product[i], v);
        }
        row[0] = corner;
    }
    let diagonal = (0..n).map(|i| a[i * n + i]).collect();
    let mut beside: Vec<f64> = (1..n).map(|i| a[(i - 1) * n + i]).collect();
    beside.push(0.0);
    let mut vectors = room(0.0, n * n);
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    for k in (0..n.saturating_sub(2)).rev() {
        for row in vectors.chunks_exact_mut(n).skip(k + 1) {
            reflect(
                &mut row[k + 1..],
                &a[k * n + k + 1..][..n - k - 1],
                scales[k],
            );
        }
    }
    (diagonal, beside, vectors)
}

fn hypotenuse(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// Makes `beside` 0: the diagonal becomes the eigenvalues, and the rows of `vectors` turn with it.
fn ql(diagonal: &mut [f64], beside: &mut [f64], vectors: &mut [f64]) -> bool {
    let n = diagonal.len();
    for first in 0..n {
        let mut turns = 0;
        loop {
            let is_small = |i: &usize| {
                beside[*i].abs() <= f64::EPSILON * (diagonal[*i].abs() + diagonal[*i + 1].abs())
            };
            let last = (first..n - 1).find(is_small).unwrap_or(n - 1);
            if last == first {
                break;
            }
            turns += 1;
            if turns > TURNS {
                return false;
            }
            ql_turn(diagonal, beside, vectors, first, last);
        }
    }
    true
}

/// One turn on rows `first..=last`, shifted by the eigenvalue of the leading 2 x 2 that is next to
/// `diagonal[first]` (Wilkinson's shift).
fn ql_turn(
    diagonal: &mut [f64],
    beside: &mut [f64],
    vectors: &mut [f64],
    first: usize,
    last: usize,
) {
    let n = diagonal.len();
    let slope = (diagonal[first + 1] - diagonal[first]) / (2.0 * beside[first]);
    let root = hypotenuse(slope, 1.0);
    let away = if slope < 0.0 {
        slope - root
    } else {
        slope + root
    };
    let mut bulge = diagonal[last] - diagonal[first] + beside[first] / away;
    let (mut cos, mut sin, mut moved) = (1.0, 1.0, 0.0);
    for i in (first..last).rev() {
        let (f, b) = (sin * beside[i], cos * beside[i]);
        let r = hypotenuse(f, bulge);
        beside[i + 1] = r;
        if r == 0.0 {
            diagonal[i + 1] -= moved;
            beside[last] = 0.0;
            return;
        }
        (sin, cos) = (f / r, bulge / r);
        let d = diagonal[i + 1] - moved;
        let s = (diagonal[i] - d) * sin + 2.0 * cos * b;
        moved = sin * s;
        diagonal[i + 1] = d + moved;
        bulge = cos * s - b;
        let (x, y) = two_rows(vectors, n, i, i + 1);
        rotate(x, y, [cos, -sin, sin, cos]);
    }
    diagonal[first] -= moved;
    beside[first] = bulge;
    beside[last] = 0.0;
}
