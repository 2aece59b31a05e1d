//! Mean and variance of the columns of a matrix in one pass over memory.
//!
//! Each block of rows, which stays in the first-level cache, gives its columns' sums and then the
//! squares of the deviations from its own means; the blocks' results are put together in order.
//! (Chan, Golub & LeVeque 1983, eq. 2.1.)

use super::columns::{fold_columns, Cut};
use super::float::Float;
use super::fold::Fold;
use super::isa::{dispatch, look_ahead, Loop};
use super::map::map1;
use super::number::Number;
use super::region::{share_if, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use super::tile::{Chunks, Consumer, Produce};
use crate::memory::room;
use std::ops::Range;
use std::sync::Mutex;

/// Rows of a block read side by side.
const ABREAST: usize = 4;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 15;
/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 16;

/// Mean and biased variance of the columns of `x (rows, n)`, `n` the length of both; at least one row.
pub fn moments<T: Float + Number>(x: &[T], mean: &mut [T], variance: &mut [T]) {
    let mut partial = Partial::new(x.len(), mean.len());
    let size = partial.cut.block();
    let group = (TASK_LEN / size).max(1);
    let (n, width) = (mean.len().max(1), partial.cut.width());
    let means = partial.means.par_chunks_mut(group * n);
    let sides = means.zip(partial.squares.par_chunks_mut(group * n));
    let tasks = x.par_chunks(group * size).zip(sides);
    share_if(x.len() >= PARALLEL_LEN, tasks, |(x, (means, squares))| {
        let sides = means.chunks_mut(n).zip(squares.chunks_mut(n));
        for (x, (mean, squares)) in x.chunks(size).zip(sides) {
            fold_block(x, width, mean, squares);
        }
    });
    partial.finish(mean, variance);
}

/// As [`moments`], of `len` elements that `produce` makes.
///
/// # Errors
/// Those of `produce`.
pub fn moments_on_tiles<T: Float + Number, E>(
    len: usize,
    mean: &mut [T],
    variance: &mut [T],
    produce: Produce<E>,
) -> Result<(), E> {
    let mut partial = Partial::new(len, mean.len());
    let consumer = OnTiles {
        chunks: Chunks::new(len, partial.cut.block()),
        size: partial.cut.block(),
        len,
        blocks: partial.blocks(),
    };
    produce(&consumer)?;
    consumer.chunks.finish();
    drop(consumer.blocks);
    partial.finish(mean, variance);
    Ok(())
}

struct OnTiles<'a, T> {
    chunks: Chunks,
    size: usize,
    len: usize,
    blocks: Blocks<'a, T>,
}

impl<T: Float + Number> Consumer for OnTiles<'_, T> {
    unsafe fn take(&self, base: *mut u8, range: Range<usize>) {
        self.chunks.ready(range, |at| {
            let start = at * self.size;
            let len = (self.len - start).min(self.size);
            // SAFETY: the block's elements are complete, and nothing writes them any more.
            let x = unsafe { std::slice::from_raw_parts(base.cast::<T>().add(start), len) };
            self.blocks.fold(at, x);
        });
    }
}

/// What the blocks of a matrix give: the means of their columns, and the sums of the squares of the
/// deviations from these.
struct Partial<T> {
    cut: Cut,
    len: usize,
    n: usize,
    /// (blocks, n)
    means: Vec<T>,
    /// (blocks, n)
    squares: Vec<T>,
}

/// A [`Partial`] that threads fill block by block.
struct Blocks<'a, T> {
    width: usize,
    parts: Vec<Mutex<(&'a mut [T], &'a mut [T])>>,
}

impl<T: Float + Number> Blocks<'_, T> {
    /// Takes the elements of block `at`.
    fn fold(&self, at: usize, x: &[T]) {
        let mut part = self.parts[at].lock().unwrap_or_else(|e| e.into_inner());
        let (mean, squares) = &mut *part;
        fold_block(x, self.width, mean, squares);
    }
}

fn fold_block<T: Float + Number>(x: &[T], width: usize, mean: &mut [T], squares: &mut [T]) {
    let wide = &mut room(<T as Number>::ZERO, 2 * width);
    dispatch(Block {
        x,
        wide,
        mean,
        squares,
    });
}

impl<T: Float + Number> Partial<T> {
    fn new(len: usize, n: usize) -> Self {
        let cut = Cut::of(len, n.max(1));
        let blocks = room(<T as Number>::ZERO, len.div_ceil(cut.block()) * n);
        Partial {
            cut,
            len,
            n,
            squares: blocks.clone(),
            means: blocks,
        }
    }

    fn blocks(&mut self) -> Blocks<'_, T> {
        let n = self.n.max(1);
        let parts = self.means.chunks_mut(n).zip(self.squares.chunks_mut(n));
        Blocks {
            width: self.cut.width(),
            parts: parts.map(Mutex::new).collect(),
        }
    }

    /// Puts the blocks together.
    fn finish(mut self, mean: &mut [T], variance: &mut [T]) {
        let (n, len, block) = (self.n, self.len, self.cut.block());
        if n == 0 {
            return;
        }
        let count = |at: usize| {
            <T as Number>::from_f64((len.min((at + 1) * block) - at * block) as f64 / n as f64)
        };
        let rows = <T as Number>::from_f64((len / n) as f64);
        let mut sums = self.means.clone();
        for (at, sums) in sums.chunks_mut(n).enumerate() {
            sums.iter_mut().for_each(|s| *s *= count(at));
        }
        fold_columns(Fold::Sum, &sums, n, mean);
        mean.iter_mut().for_each(|m| *m /= rows);
        let squares = self.squares.chunks_mut(n);
        for (at, (means, squares)) in self.means.chunks(n).zip(squares).enumerate() {
            for ((s, m), mean) in squares.iter_mut().zip(means).zip(&*mean) {
                let apart = *m - *mean;
                *s += count(at) * (apart * apart);
            }
        }
        fold_columns(Fold::Sum, &self.squares, n, variance);
        variance.iter_mut().for_each(|v| *v /= rows);
    }
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
    let mut scale = room(<T as Number>::ZERO, n);
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

impl<T: Float + Number> Loop for Block<'_, T> {
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
