//! Max pooling with the number of the element that each maximum comes from, and max unpooling, which
//! is its gradient.
//!
//! A byte for each window stands for the image, which the gradient then need not read. Elements are
//! numbered in order from 0, those inside the image only. For windows of which no two share an element.

use super::super::float::Float;
use super::super::isa::{dispatch, Loop};
use super::super::number::Number;
use super::super::region::{share, IndexedParallelIterator, ParallelSliceMut};
use super::super::rows::parallel_blocks;
use super::super::tile::Produce;
use super::{attains, by_blocks, by_image, by_sizes, fold_block, lanes};
use super::{Windows, BLOCK, PARALLEL_LEN, PART, TASK_LEN};
use std::ops::Range;
use std::sync::Mutex;

impl Windows {
    /// Whether a byte can say where each maximum comes from, and no element has two.
    pub fn has_argmax(&self) -> bool {
        let sizes = self.window.iter();
        let count = sizes.fold(1usize, |n, size| n.saturating_mul(*size));
        self.disjoint() && count <= 1 << u8::BITS
    }

    /// Lines of all images.
    fn lines(&self) -> usize {
        self.images * self.input[0] * self.input[1]
    }

    /// The window over place `i` of an axis, of those that are disjoint; how far into it `i` is, and
    /// how much of the axis it covers.
    #[inline(always)]
    fn over(&self, axis: usize, i: usize) -> Option<(usize, usize, usize)> {
        let o = ((i + self.before[axis]) / self.strides[axis]).min(self.output[axis] - 1);
        let span = self.span(axis, o);
        span.contains(&i).then(|| (o, i - span.start, span.len()))
    }
}

struct ForwardWithArgmax<'a, T> {
    windows: &'a Windows,
    x: &'a [T],
    rows: Range<usize>,
    out: &'a mut [T],
    argmax: &'a mut [u8],
}

impl<T: Float + Number> Loop for ForwardWithArgmax<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let channels = self.windows.channels;
        let steps = self.windows.steps();
        let mut pixels = self
            .out
            .chunks_exact_mut(channels)
            .zip(self.argmax.chunks_exact_mut(channels));
        self.windows.each(
            self.rows,
            #[inline(always)]
            |taps| {
                let Some((out, argmax)) = pixels.next() else {
                    return;
                };
                by_sizes!(taps.sizes, sizes => by_blocks!(channels, L, at => {
                    let (first, out) = (taps.first + at, &mut out[at..at + L]);
                    fold_block::<T, false, L>(self.x, first, sizes, steps, out);
                    number_block::<T, L>(self.x, first, sizes, steps, out, &mut argmax[at..at + L])
                }));
            },
        );
    }
}

/// The number of the first element of a window that attains its maximum `top`.
#[inline(always)]
fn number_block<T: Float, const L: usize>(
    x: &[T],
    first: usize,
    sizes: [usize; 3],
    steps: [usize; 3],
    top: &[T],
    argmax: &mut [u8],
) {
    let mut chosen = [0; L];
    // From the last to the first: the first one stays.
    for i in (0..sizes[0]).rev() {
        for j in (0..sizes[1]).rev() {
            for k in (0..sizes[2]).rev() {
                let v = lanes::<T, L>(x, first + i * steps[0] + j * steps[1] + k * steps[2]);
                let number = number(sizes, i, j, k);
                for l in 0..L {
                    chosen[l] = if attains(v[l], top[l]) {
                        number
                    } else {
                        chosen[l]
                    };
                }
            }
        }
    }
    argmax.copy_from_slice(&chosen);
}

#[inline(always)]
fn number(sizes: [usize; 3], i: usize, j: usize, k: usize) -> u8 {
    ((i * sizes[1] + j) * sizes[2] + k) as u8
}

/// `out (N, OD, OH, OW, C)` is the largest element of each window of `x`, `argmax`, of the same shape,
/// its number.
pub fn pool_with_argmax<T: Float + Number>(
    windows: &Windows,
    x: &[T],
    out: &mut [T],
    argmax: &mut [u8],
) {
    if out.is_empty() {
        return;
    }
    let (rows, step) = (windows.images * windows.rows(), windows.task_rows());
    let len = step * windows.row();
    let parts = out.par_chunks_mut(len).zip(argmax.par_chunks_mut(len));
    share(parts.enumerate(), |(t, (out, argmax))| {
        dispatch(ForwardWithArgmax {
            windows,
            x,
            rows: t * step..(t * step + step).min(rows),
            out,
            argmax,
        });
    });
}

/// As [`pool_with_argmax`], of an `x` that `produce` makes, which need not be stored where this is the last
/// to read it.
///
/// # Errors
/// Those of `produce`.
pub fn pool_with_argmax_on_tiles<T: Float + Number, E>(
    windows: &Windows,
    out: &mut [T],
    argmax: &mut [u8],
    is_last: bool,
    produce: Produce<E>,
) -> Result<(), E> {
    let image = windows.pooled().max(1);
    let parts: Vec<_> = out
        .chunks_mut(image)
        .zip(argmax.chunks_mut(image))
        .map(Mutex::new)
        .collect();
    by_image(windows, is_last, produce, |image, x| {
        let (out, argmax) = &mut *parts[image].lock().unwrap_or_else(|e| e.into_inner());
        dispatch(ForwardWithArgmax {
            windows,
            x,
            rows: 0..windows.rows(),
            out,
            argmax,
        });
    })
}

struct Unpool<'a, T> {
    windows: &'a Windows,
    argmax: &'a [u8],
    dy: &'a [T],
    lines: Range<usize>,
    out: &'a mut [T],
}

impl<T: Float + Number> Loop for Unpool<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Unpool {
            windows,
            argmax,
            dy,
            lines,
            out,
        } = self;
        let channels = windows.channels;
        let [depth, height, width] = windows.input;
        for (line, out) in lines.zip(out.chunks_exact_mut(width * channels)) {
            let (plane, h) = (line / height, line % height);
            let (image, d) = (plane / depth, plane % depth);
            let (Some(over_d), Some(over_h)) = (windows.over(0, d), windows.over(1, h)) else {
                out.fill(<T as Number>::ZERO);
                continue;
            };
            let row = (image * windows.output[0] + over_d.0) * windows.output[1] + over_h.0;
            let mut done = 0;
            for w in 0..windows.output[2] {
                let from = (row * windows.output[2] + w) * channels;
                let span = windows.span(2, w);
                out[done * channels..span.start * channels].fill(<T as Number>::ZERO);
                let sizes = [over_d.2, over_h.2, span.len()];
                for (k, place) in span.clone().enumerate() {
                    let number = number(sizes, over_d.1, over_h.1, k);
                    let out = &mut out[place * channels..(place + 1) * channels];
                    by_blocks!(channels, L, at => {
                        let argmax = lanes::<u8, L>(argmax, from + at);
                        let dy = lanes::<T, L>(dy, from + at);
                        put_block::<T, L>(argmax, dy, number, &mut out[at..at + L])
                    });
                }
                done = span.end;
            }
            out[done * channels..].fill(<T as Number>::ZERO);
        }
    }
}

/// `dy` where the element of this number is chosen, else 0.
#[inline(always)]
fn put_block<T: Float + Number, const L: usize>(
    argmax: &[u8],
    dy: &[T],
    number: u8,
    out: &mut [T],
) {
    // Copied first: read under a condition, they would not be read in vectors.
    let (mut chosen, mut part) = ([0; L], [<T as Number>::ZERO; L]);
    chosen.copy_from_slice(argmax);
    part.copy_from_slice(dy);
    for l in 0..L {
        part[l] = if chosen[l] == number {
            part[l]
        } else {
            <T as Number>::ZERO
        };
    }
    out.copy_from_slice(&part);
}

/// Some lines (along the last axis, numbered through all images) of the gradient by the image, for a
/// gradient `dy` by each maximum: `dy` at the element chosen, 0 elsewhere.
pub fn unpool_lines<T: Float + Number>(
    windows: &Windows,
    argmax: &[u8],
    dy: &[T],
    lines: Range<usize>,
    out: &mut [T],
) {
    dispatch(Unpool {
        windows,
        argmax,
        dy,
        lines,
        out,
    });
}

/// All lines of it.
pub fn unpool<T: Float + Number>(windows: &Windows, argmax: &[u8], dy: &[T], out: &mut [T]) {
    let line = windows.input[2] * windows.channels;
    let step = match out.len() < PARALLEL_LEN {
        true => windows.lines(),
        false => (TASK_LEN / line.max(1)).max(1),
    };
    parallel_blocks(out, step * line, |t, out| {
        let lines = t * step..(t * step + step).min(windows.lines());
        unpool_lines(windows, argmax, dy, lines, out);
    });
}
