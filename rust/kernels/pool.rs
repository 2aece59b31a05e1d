//! Pooling over windows of (N, D, H, W, C), channels last; fewer spatial axes lead with sizes of 1.
//!
//! The channels of a window are folded in blocks of [`BLOCK`] lanes that stay in registers, so each
//! element of the image is read once for each window that it is in. A sum is taken along W first;
//! the lines are then added in order. The gradient is in `grad.rs`, that of the gradient in `pick.rs`;
//! what a compiled step does for maxima is in `argmax.rs`.

mod argmax;
mod grad;
mod pick;

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::number::Number;
use super::rows::parallel_blocks;
use super::tile::{Chunks, Consumer, Produce};
pub use argmax::{pool_with_argmax, pool_with_argmax_on_tiles, unpool, unpool_lines};
pub use grad::pool_grad;
pub use pick::pick;
use std::ops::Range;
use std::sync::Mutex;

/// Channels folded at once; what is left over goes by [`PART`] and then one by one.
const BLOCK: usize = 32;
const PART: usize = 8;
/// Elements of the image under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 15;
/// Elements of the image that a task should have at least.
const TASK_LEN: usize = 1 << 13;

/// How a window becomes one element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pooling {
    /// The largest one; NaN where one is NaN.
    Max,
    /// The mean of those inside the image.
    Mean,
}

/// Where the windows lie. Window `o` of an axis covers `o * stride - before ..`, as far as that is
/// inside the image; none lies outside altogether.
#[derive(Clone, Debug)]
pub struct Windows {
    pub images: usize,
    /// D, H, W of the image.
    pub input: [usize; 3],
    /// How many windows there are on each axis.
    pub output: [usize; 3],
    pub window: [usize; 3],
    pub strides: [usize; 3],
    /// Padding in front of each axis.
    pub before: [usize; 3],
    pub channels: usize,
}

/// The part of one window that lies inside the image: the index of its first element, and how many
/// follow along each axis.
#[derive(Clone, Copy)]
struct Taps {
    first: usize,
    sizes: [usize; 3],
}

impl Windows {
    /// Elements from one place to the next along each axis.
    #[inline(always)]
    fn steps(&self) -> [usize; 3] {
        let line = self.input[2] * self.channels;
        [self.input[1] * line, line, self.channels]
    }

    /// Elements of an image.
    fn image(&self) -> usize {
        self.input[0] * self.steps()[0]
    }

    /// Elements that an image is pooled to.
    fn pooled(&self) -> usize {
        self.rows() * self.row()
    }

    /// Output rows of an image.
    fn rows(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Elements of an output row.
    fn row(&self) -> usize {
        self.output[2] * self.channels
    }

    /// Output rows of a task; all of them where the images are few and small.
    fn task_rows(&self) -> usize {
        let rows = self.images * self.rows();
        match self.images * self.image() {
            0..PARALLEL_LEN => rows,
            len => (TASK_LEN / (len / rows).max(1)).max(1),
        }
    }

    /// Whether no element is in two windows.
    fn disjoint(&self) -> bool {
        (0..3).all(|a| self.strides[a] >= self.window[a] || self.output[a] == 1)
    }

    /// What window `o` covers of an axis.
    #[inline(always)]
    fn span(&self, axis: usize, o: usize) -> Range<usize> {
        let from = o * self.strides[axis];
        let end = (from + self.window[axis]).saturating_sub(self.before[axis]);
        from.saturating_sub(self.before[axis])..end.min(self.input[axis])
    }

    /// The window of output place `at` of an image.
    #[inline(always)]
    fn taps(&self, image: usize, at: [usize; 3]) -> Taps {
        let spans = [
            self.span(0, at[0]),
            self.span(1, at[1]),
            self.span(2, at[2]),
        ];
        let steps = self.steps();
        Taps {
            first: image * self.input[0] * steps[0]
                + spans[0].start * steps[0]
                + spans[1].start * steps[1]
                + spans[2].start * steps[2],
            sizes: [spans[0].len(), spans[1].len(), spans[2].len()],
        }
    }

    /// Calls `f` with the taps of each window of a run of output rows, row `(n, od, oh)`, in order.
    #[inline(always)]
    fn each(&self, rows: Range<usize>, mut f: impl FnMut(Taps)) {
        let [depth, height, width] = self.output;
        for row in rows {
            let (plane, h) = (row / height, row % height);
            for w in 0..width {
                f(self.taps(plane / depth, [plane % depth, h, w]));
            }
        }
    }
}

/// `x[at..at + L]`
#[inline(always)]
fn lanes<T, const L: usize>(x: &[T], at: usize) -> &[T] {
    &x[at..at + L]
}

/// Runs an expression with `$l` lanes at channel `$at`, until all channels are done.
macro_rules! by_blocks {
    ($channels:expr, $l:ident, $at:ident => $body:expr) => {{
        let channels = $channels;
        let mut $at = 0;
        while $at + BLOCK <= channels {
            const $l: usize = BLOCK;
            $body;
            $at += BLOCK;
        }
        while $at + PART <= channels {
            const $l: usize = PART;
            $body;
            $at += PART;
        }
        while $at < channels {
            const $l: usize = 1;
            $body;
            $at += 1;
        }
    }};
}
use by_blocks;

/// Runs an expression with the sizes of a window; the compiler sees those of the usual one.
macro_rules! by_sizes {
    ($given:expr, $sizes:ident => $body:expr) => {
        match $given {
            [1, 2, 2] => {
                let $sizes = [1, 2, 2];
                $body
            }
            $sizes => $body,
        }
    };
}
use by_sizes;

#[inline(always)]
fn fold<T: Number, const MEAN: bool>(a: T, b: T) -> T {
    if MEAN {
        a.add(b)
    } else {
        a.maximum(b)
    }
}

struct Forward<'a, T, const MEAN: bool> {
    windows: &'a Windows,
    x: &'a [T],
    rows: Range<usize>,
    out: &'a mut [T],
}

impl<T: Float + Number, const MEAN: bool> Loop for Forward<'_, T, MEAN> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        // A copy, which the compiler knows that no write to `out` changes.
        let windows = self.windows.clone();
        let channels = windows.channels;
        let steps = windows.steps();
        let mut pixels = self.out.chunks_exact_mut(channels);
        windows.each(
            self.rows,
            #[inline(always)]
            |taps| {
                let Some(out) = pixels.next() else { return };
                by_sizes!(taps.sizes, sizes => by_blocks!(channels, L, at => {
                    let first = taps.first + at;
                    fold_block::<T, MEAN, L>(self.x, first, sizes, steps, &mut out[at..at + L])
                }));
            },
        );
    }
}

#[inline(always)]
fn fold_block<T: Float + Number, const MEAN: bool, const L: usize>(
    x: &[T],
    first: usize,
    sizes: [usize; 3],
    steps: [usize; 3],
    out: &mut [T],
) {
    let mut total = [<T as Number>::ZERO; L];
    for i in 0..sizes[0] {
        for j in 0..sizes[1] {
            let from = first + i * steps[0] + j * steps[1];
            let mut line = [<T as Number>::ZERO; L];
            line.copy_from_slice(lanes::<T, L>(x, from));
            for k in 1..sizes[2] {
                let v = lanes::<T, L>(x, from + k * steps[2]);
                for l in 0..L {
                    line[l] = fold::<T, MEAN>(line[l], v[l]);
                }
            }
            if i + j == 0 {
                total = line;
            } else {
                for l in 0..L {
                    total[l] = fold::<T, MEAN>(total[l], line[l]);
                }
            }
        }
    }
    if MEAN {
        let count = <T as Float>::from_usize(sizes.iter().product());
        for v in &mut total {
            *v /= count;
        }
    }
    out.copy_from_slice(&total);
}

/// The windows of a run of output rows, of an `x` that begins at row 0's image.
fn fold_rows<T: Float + Number>(
    pooling: Pooling,
    windows: &Windows,
    x: &[T],
    rows: Range<usize>,
    out: &mut [T],
) {
    match pooling {
        Pooling::Max => dispatch(Forward::<T, false> {
            windows,
            x,
            rows,
            out,
        }),
        Pooling::Mean => dispatch(Forward::<T, true> {
            windows,
            x,
            rows,
            out,
        }),
    }
}

/// `out (N, OD, OH, OW, C)` is the largest element, or the mean, of each window of `x`.
pub fn pool<T: Float + Number>(pooling: Pooling, windows: &Windows, x: &[T], out: &mut [T]) {
    by_rows(windows, out, |rows, out| {
        fold_rows(pooling, windows, x, rows, out)
    });
}

/// As [`pool`], of an `x` that `produce` makes, which need not be stored where this is the last to read
/// it.
///
/// # Errors
/// Those of `produce`.
pub fn pool_on_tiles<T: Float + Number, E>(
    pooling: Pooling,
    windows: &Windows,
    out: &mut [T],
    is_last: bool,
    produce: Produce<E>,
) -> Result<(), E> {
    let out: Vec<_> = out
        .chunks_mut(windows.pooled().max(1))
        .map(Mutex::new)
        .collect();
    by_image(windows, is_last, produce, |image, x| {
        let mut out = out[image].lock().unwrap_or_else(|e| e.into_inner());
        fold_rows(pooling, windows, x, 0..windows.rows(), &mut out);
    })
}

/// Calls `whole(image, x)` with each image that `produce` makes, when it is whole.
fn by_image<T: Sync, E>(
    windows: &Windows,
    is_last: bool,
    produce: Produce<E>,
    whole: impl Fn(usize, &[T]) + Sync,
) -> Result<(), E> {
    let len = windows.image();
    let consumer = OnTiles {
        len,
        is_last,
        images: Chunks::new(windows.images * len, len.max(1)),
        whole: &whole,
    };
    produce(&consumer)?;
    consumer.images.finish();
    Ok(())
}

struct OnTiles<'a, T> {
    /// Elements of an image.
    len: usize,
    is_last: bool,
    images: Chunks,
    whole: &'a (dyn Fn(usize, &[T]) + Sync),
}

impl<T: Sync> Consumer for OnTiles<'_, T> {
    fn is_last(&self) -> bool {
        self.is_last
    }

    unsafe fn take(&self, base: *mut u8, range: Range<usize>) {
        self.images.ready(range, |image| {
            // SAFETY: the image's elements are complete, and nothing writes them any more.
            let x = unsafe {
                let start = base.cast::<T>().wrapping_add(image * self.len);
                std::slice::from_raw_parts(start, self.len)
            };
            (self.whole)(image, x);
        });
    }
}

/// Whether an element can be the one that a window's maximum `y` comes from.
#[inline(always)]
fn attains<T: Float>(v: T, y: T) -> bool {
    (v == y) | v.is_nan()
}

/// Calls `f(rows, their part of out)` on runs of output rows, cut by shape.
fn by_rows<T: Send>(windows: &Windows, out: &mut [T], f: impl Fn(Range<usize>, &mut [T]) + Sync) {
    let (rows, step) = (windows.images * windows.rows(), windows.task_rows());
    parallel_blocks(out, step * windows.row(), |t, out| {
        f(t * step..(t * step + step).min(rows), out);
    });
}

#[cfg(test)]
mod tests;
