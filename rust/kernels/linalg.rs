//! Factorings of dense matrices in `f64`, row after row: what the ops of linear algebra run on.
//!
//! **The same bits**: the work on one matrix is one thread's, in an order that depends on its size alone;
//! what is long goes through [`dot`], [`add_scaled`] and [`rotate`], whose copies for the instruction sets
//! perform the same operations on the same elements, and through `gemm`, which keeps its own promise.
//! All else is plain arithmetic and roots, which no machine rounds otherwise.

pub mod factors;
pub mod householder;
pub mod singular;
pub mod symmetric;

#[cfg(test)]
mod tests;

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::region::{share_if, IndexedParallelIterator, IntoParallelIterator};
use crate::memory::{reserve, room};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Multiplications under which one thread does all matrices.
const PARALLEL_WORK: usize = 1 << 16;

/// Calls `f` with the task of each matrix, of about `work` multiplications; the number of the first
/// for which it says false.
pub fn each<T: Send>(tasks: Vec<T>, work: usize, f: impl Fn(T) -> bool + Sync) -> Option<usize> {
    let first = AtomicUsize::new(usize::MAX);
    let worth_it = tasks.len().saturating_mul(work) >= PARALLEL_WORK;
    share_if(worth_it, tasks.into_par_iter().enumerate(), |(at, task)| {
        if !f(task) {
            first.fetch_min(at, Relaxed);
        }
    });
    match first.into_inner() {
        usize::MAX => None,
        at => Some(at),
    }
}

/// The elements in `f64`.
pub fn widened<T: Float>(x: &[T]) -> Vec<f64> {
    let mut out = Vec::new();
    reserve(&mut out, x.len());
    out.extend(x.iter().map(|v| Float::to_f64(*v)));
    out
}

/// Writes `f64`s in another float dtype.
pub fn narrowed<T: Float>(x: &[f64], out: &mut [T]) {
    for (to, v) in out.iter_mut().zip(x) {
        *to = Float::from_f64(*v);
    }
}

/// The `(n, m)` transpose of an `(m, n)` matrix.
pub fn transposed(a: &[f64], n: usize) -> Vec<f64> {
    let m = a.len() / n.max(1);
    let mut out = room(0.0, a.len());
    for (i, row) in a.chunks_exact(n.max(1)).enumerate() {
        for (j, v) in row.iter().enumerate() {
            out[j * m + i] = *v;
        }
    }
    out
}

/// Rows `i < k` of a matrix of `n` columns, to write.
fn two_rows(a: &mut [f64], n: usize, i: usize, k: usize) -> (&mut [f64], &mut [f64]) {
    let (above, below) = a.split_at_mut(k * n);
    (&mut above[i * n..][..n], &mut below[..n])
}

/// The largest size of an element; NaN where one is.
fn largest(x: &[f64]) -> f64 {
    let pick = |top: f64, v: &f64| match v.abs() > top || v.is_nan() {
        true => v.abs(),
        false => top,
    };
    x.iter().fold(0.0, pick)
}

/// The power of two by which numbers up to `top` are divided so that squares neither overflow nor vanish.
fn scale_of(top: f64) -> f64 {
    match top.is_normal() && !(1e-100..1e100).contains(&top) {
        true => f64::from_bits(top.to_bits() & (0x7ff << 52)),
        false => 1.0,
    }
}

const LANES: usize = 16;

struct Dot<'a>(&'a [f64], &'a [f64]);

impl Loop for Dot<'_> {
    type Out = f64;
    #[inline(always)]
    fn run(self) -> f64 {
        let mut sums = [0.0; LANES];
        let n = self.0.len();
        let (x, y) = (self.0, &self.1[..n]);
        let whole = n - n % LANES;
        for (x, y) in x.chunks_exact(LANES).zip(y.chunks_exact(LANES)) {
            for lane in 0..LANES {
                sums[lane] = x[lane].mul_add(y[lane], sums[lane]);
            }
        }
        for (lane, i) in (whole..n).enumerate() {
            sums[lane] = x[i].mul_add(y[i], sums[lane]);
        }
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                sums[lane] += sums[lane + half];
            }
            half /= 2;
        }
        sums[0]
    }
}

/// `sum x_i y_i`.
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    dispatch(Dot(x, y))
}

struct AddScaled<'a>(&'a mut [f64], f64, &'a [f64]);

impl Loop for AddScaled<'_> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (y, x) in self.0.iter_mut().zip(self.2) {
            *y = self.1.mul_add(*x, *y);
        }
    }
}

/// `y += a x`.
pub fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    dispatch(AddScaled(y, a, x));
}

struct Rotate<'a>(&'a mut [f64], &'a mut [f64], [f64; 4]);

impl Loop for Rotate<'_> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let [a, b, c, d] = self.2;
        for (x, y) in self.0.iter_mut().zip(self.1) {
            let (old_x, old_y) = (*x, *y);
            *x = a.mul_add(old_x, b * old_y);
            *y = c.mul_add(old_x, d * old_y);
        }
    }
}

/// `(x, y) = (a x + b y, c x + d y)` for the turn `[a, b, c, d]`.
pub fn rotate(x: &mut [f64], y: &mut [f64], turn: [f64; 4]) {
    dispatch(Rotate(x, y, turn));
}
