//! Folds of the columns of a matrix, in an order that depends on its shape alone.
//!
//! A narrow matrix is read as a wider one: several rows side by side make one wide row, so that
//! vectors are full. Wide rows are folded down blocks of `ROWS`, the blocks' results in order, then
//! the rows that lie side by side in that one, and the rows left over. So sums lose little and
//! neither threads nor vector width change a bit.

use super::fold::Fold;
use super::isa::{dispatch, look_ahead, Loop};
use super::number::Number;
use super::region::{share_if, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use crate::memory::room;

/// Wide rows of a block.
const ROWS: usize = 32;
/// Elements that a wide row should have at least.
const WIDTH: usize = 256;
/// Rows of a block read side by side.
const ABREAST: usize = 4;
/// Columns folded at once: their results stay in the first-level cache.
const STRIP: usize = 2048;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 15;
/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 16;

/// How a matrix `(rows, n)` of at least one element is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    len: usize,
    /// Columns of the matrix.
    n: usize,
    /// Elements of a wide row, a multiple of `n`.
    width: usize,
    /// Elements in wide rows; those after them are the rows left over.
    whole: usize,
}

impl Cut {
    pub fn of(len: usize, n: usize) -> Self {
        let mut rows = WIDTH.div_ceil(n);
        if n < 64 {
            // Wide rows of whole vectors.
            rows = rows.next_multiple_of(64 >> n.trailing_zeros().min(6));
        }
        let width = if rows * n <= len { rows * n } else { n };
        Cut {
            len,
            n,
            width,
            whole: len / width * width,
        }
    }

    /// Elements of a block.
    pub fn block(&self) -> usize {
        ROWS * self.width
    }

    /// Elements of a wide row.
    pub fn width(&self) -> usize {
        self.width
    }

    fn blocks(&self) -> usize {
        self.whole.div_ceil(self.block())
    }

    /// Elements of what [`Cut::finish`] folds: a wide row for each block, then the rows left over.
    pub fn partial_len(&self) -> usize {
        self.blocks() * self.width + self.len - self.whole
    }

    /// The range of the partial results that the elements of block `at` belong to.
    pub fn part(&self, at: usize) -> std::ops::Range<usize> {
        let start = (at * self.width).min(self.blocks() * self.width);
        let end = match (at + 1) * self.block() < self.len {
            true => start + self.width,
            false => self.partial_len(),
        };
        start..end
    }

    /// Adds the elements `start..` of the matrix, which lie in block `at`, to the block's part; the
    /// part begins as [`nothing`].
    pub fn add<T: Number>(&self, at: usize, part: &mut [T], start: usize, x: &[T]) {
        let inside = self.whole.saturating_sub(start).min(x.len());
        let left_over = part.len().min(self.len - self.whole);
        let begin = part.len() - left_over + (start + inside).saturating_sub(self.whole);
        part[begin..begin + x.len() - inside].copy_from_slice(&x[inside..]);
        if inside > 0 {
            dispatch(Add {
                sums: &mut part[..self.width],
                from: (start - at * self.block()) % self.width,
                x: &x[..inside],
            });
        }
    }

    /// Folds the partial results into the columns' ones.
    pub fn finish<T: Number>(&self, f: Fold, partial: &[T], out: &mut [T]) {
        let (blocks, left_over) = partial.split_at(self.blocks() * self.width);
        if self.width == self.n {
            return fold_rows(f, blocks, self.n, out);
        }
        let mut rows = room(T::ZERO, self.width + left_over.len());
        fold_rows(f, blocks, self.width, &mut rows[..self.width]);
        rows[self.width..].copy_from_slice(left_over);
        fold_rows(f, &rows, self.n, out);
    }
}

/// What leaves every number as it is when added to it.
pub fn nothing<T: Number>() -> T {
    T::ZERO.neg()
}

/// `sums[(from + i) % width] += x[i]`, in order.
struct Add<'a, T> {
    sums: &'a mut [T],
    from: usize,
    x: &'a [T],
}

impl<T: Number> Loop for Add<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Add { sums, from, x } = self;
        let width = sums.len();
        let (first, mut x) = x.split_at((width - from).min(x.len()));
        for (s, v) in sums[from..].iter_mut().zip(first) {
            *s = s.add(*v);
        }
        while x.len() >= 2 * width {
            let (a, b) = (&x[..width], &x[width..2 * width]);
            for j in 0..width {
                sums[j] = sums[j].add(a[j]).add(b[j]);
            }
            x = &x[2 * width..];
        }
        for row in x.chunks(width) {
            for (s, v) in sums.iter_mut().zip(row) {
                *s = s.add(*v);
            }
        }
    }
}

/// `out[j] = x[0, j] f x[1, j] f ...` for `x (rows, n)`; `rows` is not 0 for max and min.
pub fn fold_columns<T: Number>(f: Fold, x: &[T], n: usize, out: &mut [T]) {
    if x.is_empty() {
        return out.fill(f.identity().unwrap_or(T::ZERO));
    }
    let cut = Cut::of(x.len(), n);
    let worth_it = x.len() >= PARALLEL_LEN;
    if cut.width == n && cut.blocks() == 1 {
        let strips = out.par_chunks_mut(STRIP).enumerate();
        return share_if(worth_it, strips, |(t, out)| {
            fold_rows(f, &x[t * STRIP..], n, out)
        });
    }
    let mut partial = room(T::ZERO, cut.partial_len());
    let (wide, left_over) = partial.split_at_mut(cut.blocks() * cut.width);
    left_over.copy_from_slice(&x[cut.whole..]);
    let blocks = (TASK_LEN / cut.block()).max(1);
    let parts = x[..cut.whole].par_chunks(blocks * cut.block());
    let tasks = parts.zip(wide.par_chunks_mut(blocks * cut.width));
    share_if(worth_it, tasks, |(x, out)| {
        for (x, out) in x.chunks(cut.block()).zip(out.chunks_mut(cut.width)) {
            fold_rows(f, x, cut.width, out);
        }
    });
    cut.finish(f, &partial, out);
}

/// Folds the rows of `x`, which start `n` apart, one after the other into as many columns as `out`
/// has.
fn fold_rows<T: Number>(f: Fold, x: &[T], n: usize, out: &mut [T]) {
    macro_rules! go {
        ($f:expr) => {
            dispatch(Columns(
                x,
                n,
                out,
                #[inline(always)]
                $f,
            ))
        };
    }
    match f {
        Fold::Sum => go!(|a: T, b: T| a.add(b)),
        Fold::Prod => go!(|a: T, b: T| a.mul(b)),
        Fold::Max => go!(|a: T, b: T| a.maximum(b)),
        Fold::Min => go!(|a: T, b: T| a.minimum(b)),
    }
}

struct Columns<'a, T, F>(&'a [T], usize, &'a mut [T], F);

impl<T: Number, F: Fn(T, T) -> T> Loop for Columns<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Columns(x, n, out, f) = self;
        let rows = (x.len() + n - out.len()) / n;
        for (strip, out) in out.chunks_mut(STRIP).enumerate() {
            let (from, width) = (strip * STRIP, out.len());
            let row = |r: usize| &x[r * n + from..r * n + from + width];
            out.copy_from_slice(row(0));
            let mut at = 1;
            while at + ABREAST <= rows {
                if width == n {
                    look_ahead(&x[at * n..(at + ABREAST) * n]);
                }
                let group: [&[T]; ABREAST] = std::array::from_fn(|d| row(at + d));
                for j in 0..width {
                    let mut value = out[j];
                    for part in group {
                        value = f(value, part[j]);
                    }
                    out[j] = value;
                }
                at += ABREAST;
            }
            for r in at..rows {
                for (o, v) in out.iter_mut().zip(row(r)) {
                    *o = f(*o, *v);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [(usize, usize); 9] = [
        (1, 3),
        (7, 1),
        (64, 10),
        (65, 300),
        (200, 7),
        (130, 257),
        (1000, 16),
        (2053, 16),
        (1031, 24),
    ];

    fn sample(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 0.7311).fract() - 0.4).collect()
    }

    /// Every column alone: the elements of each wide column down each block, and so on.
    fn by_definition(x: &[f32], n: usize) -> Vec<f32> {
        let cut = Cut::of(x.len(), n);
        let add = |a: f32, v: f32| a + v;
        let wide = |j: usize| {
            let block = |b: &[f32]| b.iter().skip(j).step_by(cut.width).copied().reduce(add);
            let sums = x[..cut.whole].chunks(cut.block()).filter_map(block);
            sums.reduce(add)
        };
        let rows: Vec<f32> = (0..cut.width)
            .filter_map(wide)
            .chain(x[cut.whole..].iter().copied())
            .collect();
        (0..n)
            .filter_map(|j| rows.iter().skip(j).step_by(n).copied().reduce(add))
            .collect()
    }

    #[test]
    fn columns_are_folded_by_blocks_of_wide_rows() {
        for (rows, n) in SHAPES {
            let x = sample(rows * n);
            let mut out = vec![0.0; n];
            fold_columns(Fold::Sum, &x, n, &mut out);
            assert_eq!(out, by_definition(&x, n), "({rows}, {n})");
        }
    }

    #[test]
    fn sums_gathered_run_by_run_are_the_same() {
        for (rows, n) in SHAPES {
            for step in [1, 100, 512] {
                let x = sample(rows * n);
                let cut = Cut::of(x.len(), n);
                let mut partial = vec![nothing::<f32>(); cut.partial_len()];
                for (at, block) in x.chunks(cut.block()).enumerate() {
                    for (run, part) in block.chunks(step).enumerate() {
                        let start = at * cut.block() + run * step;
                        cut.add(at, &mut partial[cut.part(at)], start, part);
                    }
                }
                let (mut out, mut expected) = (vec![0.0; n], vec![0.0; n]);
                cut.finish(Fold::Sum, &partial, &mut out);
                fold_columns(Fold::Sum, &x, n, &mut expected);
                assert_eq!(out, expected, "({rows}, {n}) by {step}");
            }
        }
    }
}
