//! Mean and variance of the columns of a matrix in one pass over memory.
//!
//! Each block of rows, which stays in the first-level cache, gives its columns' sums and then the
//! squares of the deviations from its own means; the blocks' results are put together in order.
//! (Chan, Golub & LeVeque 1983, eq. 2.1.)

use super::columns::{fold_columns, Cut};
use super::float::Float;
use super::fold::Fold;
use super::isa::{dispatch, look_ahead, Kernel};
use super::map::map1;
use super::number::Number;
use super::threads::parallel_for;
use std::sync::Mutex;

/// Rows of a block read side by side.
const ABREAST: usize = 4;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 15;
/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 16;

/// Mean and biased variance of the columns of `x (rows, n)`, `n` the length of both; at least one row.
pub fn moments<T: Float + Number>(x: &[T], mean: &mut [T], variance: &mut [T]) {
    let n = mean.len();
    if n == 0 {
        return;
    }
    let cut = Cut::of(x.len(), n);
    let block = cut.block();
    let blocks = x.len().div_ceil(block);
    let zero = <T as Number>::ZERO;
    let mut means = vec![zero; blocks * n]; // (blocks, n)
    let mut squares = vec![zero; blocks * n];
    {
        let group = (TASK_LEN / block).max(1);
        let parts: Vec<Mutex<(&mut [T], &mut [T])>> = means
            .chunks_mut(group * n)
            .zip(squares.chunks_mut(group * n))
            .map(Mutex::new)
            .collect();
        let task = |t: usize| {
            let mut part = parts[t].lock().unwrap_or_else(|e| e.into_inner());
            let (means, squares) = &mut *part;
            let mut wide = vec![zero; 2 * cut.width()];
            let rows = x[t * group * block..].chunks(block);
            let results = means.chunks_mut(n).zip(squares.chunks_mut(n));
            for (x, (mean, squares)) in rows.zip(results) {
                let wide = &mut wide;
                dispatch(Block {
                    x,
                    wide,
                    mean,
                    squares,
                });
            }
        };
        match x.len() < PARALLEL_LEN {
            true => (0..parts.len()).for_each(task),
            false => parallel_for(parts.len(), &task),
        }
    }

    let count = |at: usize| {
        <T as Number>::from_f64((x.len().min((at + 1) * block) - at * block) as f64 / n as f64)
    };
    let rows = <T as Number>::from_f64((x.len() / n) as f64);
    let mut sums = means.clone();
    for (at, sums) in sums.chunks_mut(n).enumerate() {
        sums.iter_mut().for_each(|s| *s *= count(at));
    }
    fold_columns(Fold::Sum, &sums, n, mean);
    mean.iter_mut().for_each(|m| *m /= rows);
    for (at, (means, squares)) in means.chunks(n).zip(squares.chunks_mut(n)).enumerate() {
        for ((s, m), mean) in squares.iter_mut().zip(means).zip(&*mean) {
            let apart = *m - *mean;
            *s += count(at) * (apart * apart);
        }
    }
    fold_columns(Fold::Sum, &squares, n, variance);
    variance.iter_mut().for_each(|v| *v /= rows);
}

/// `out = (x - mean) * (gamma / sqrt(variance + epsilon)) + beta` by columns, rounded after each
/// operation, as the op's lowered form is.
pub fn batch_norm<T: Float + Number>(
    x: &[T],
    (mean, variance, epsilon): (&[T], &[T], T),
    gamma: &[T],
    beta: &[T],
    out: &mut [T],
) {
    let n = mean.len();
    let mut scale = vec![<T as Number>::ZERO; n];
    map1(variance, &mut scale, |v| (v + epsilon).rsqrt());
    scale.iter_mut().zip(gamma).for_each(|(s, g)| *s *= *g);
    for (x, out) in x.chunks_exact(n.max(1)).zip(out.chunks_exact_mut(n.max(1))) {
        for j in 0..n {
            out[j] = (x[j] - mean[j]) * scale[j] + beta[j];
        }
    }
}

/// Means of the columns of one block, and the sums of the squares of the deviations from them.
struct Block<'a, T> {
    /// (rows, n)
    x: &'a [T],
    /// Room for two wide rows.
    wide: &'a mut [T],
    /// (n)
    mean: &'a mut [T],
    /// (n)
    squares: &'a mut [T],
}

impl<T: Float + Number> Kernel for Block<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Block {
            x,
            wide,
            mean,
            squares,
        } = self;
        let n = mean.len();
        let width = wide.len() / 2;
        let (sums, means) = wide.split_at_mut(width);
        let (whole, left_over) = x.split_at(x.len() / width * width);
        let rows = <T as Number>::from_f64((x.len() / n) as f64);

        add_rows::<true, T>(whole, sums, means, |sum, v, _| sum + v);
        mean.fill(<T as Number>::ZERO);
        for row in sums.chunks_exact(n).chain(left_over.chunks_exact(n)) {
            for (m, v) in mean.iter_mut().zip(row) {
                *m += *v;
            }
        }
        mean.iter_mut().for_each(|m| *m /= rows);

        for row in means.chunks_exact_mut(n) {
            row.copy_from_slice(mean);
        }
        let square = |sum: T, v: T, mean: T| (v - mean).mul_add(v - mean, sum);
        add_rows::<false, T>(whole, sums, means, square);
        squares.fill(<T as Number>::ZERO);
        for row in sums.chunks_exact(n) {
            for (s, v) in squares.iter_mut().zip(row) {
                *s += *v;
            }
        }
        for row in left_over.chunks_exact(n) {
            for ((s, v), m) in squares.iter_mut().zip(row).zip(&*mean) {
                *s = square(*s, *v, *m);
            }
        }
    }
}

/// `sums[j] = f(... f(f(0, x[0, j], side[j]), x[1, j], side[j]) ...)` for `x` in rows as long as `sums`.
/// `FIRST` says that `x` comes from memory.
#[inline(always)]
fn add_rows<const FIRST: bool, T: Float>(
    x: &[T],
    sums: &mut [T],
    side: &[T],
    f: impl Fn(T, T, T) -> T,
) {
    let width = sums.len();
    let (sums, side) = (&mut sums[..width], &side[..width]);
    let row = |r: usize| &x[r * width..r * width + width];
    sums.fill(T::ZERO);
    let rows = x.len() / width;
    let mut at = 0;
    while at + ABREAST <= rows {
        if FIRST {
            look_ahead(&x[at * width..(at + ABREAST) * width]);
        }
        let group: [&[T]; ABREAST] = std::array::from_fn(|d| row(at + d));
        for j in 0..width {
            let mut sum = sums[j];
            for part in group {
                sum = f(sum, part[j], side[j]);
            }
            sums[j] = sum;
        }
        at += ABREAST;
    }
    for r in at..rows {
        let part = row(r);
        for j in 0..width {
            sums[j] = f(sums[j], part[j], side[j]);
        }
    }
}
