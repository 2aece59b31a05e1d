//! The gradient of pooling by the image.

use super::super::float::Float;
use super::super::isa::{dispatch, Loop};
use super::super::number::Number;
use super::super::region::{share_if, IntoParallelIterator};
use super::{attains, by_blocks, by_sizes, lanes};
use super::{Pooling, Taps, Windows, BLOCK, PARALLEL_LEN, PART, TASK_LEN};
use std::ops::Range;

/// A band of an image's gradient: all of it between two planes, or between two lines of the only
/// plane.
struct Band<'a, T> {
    image: usize,
    /// Index of its first element in the gradient of all images.
    start: usize,
    /// The windows that reach into it, along the axis that is cut.
    windows: Range<usize>,
    dx: &'a mut [T],
}

impl Windows {
    /// The axis along which an image is cut into bands: its outermost one.
    fn outer(&self) -> usize {
        usize::from(self.input[0] == 1 && self.output[0] == 1)
    }

    /// Whether some window covers place `i` of an axis.
    fn covers(&self, axis: usize, i: usize) -> bool {
        let from = i + self.before[axis];
        let (o, rest) = (from / self.strides[axis], from % self.strides[axis]);
        let last = self.output[axis] - 1;
        match o <= last {
            true => rest < self.window[axis],
            false => from - last * self.strides[axis] < self.window[axis],
        }
    }

    /// The runs of an axis that no window covers.
    fn gaps(&self, axis: usize) -> Vec<Range<usize>> {
        let mut gaps = Vec::new();
        let mut done = 0;
        let end = self.input[axis]..self.input[axis];
        let spans = (0..self.output[axis]).map(|o| self.span(axis, o));
        for span in spans.chain(std::iter::once(end)) {
            if span.start > done {
                gaps.push(done..span.start);
            }
            done = done.max(span.end);
        }
        gaps
    }
}

/// Whole numbers up to this one are different in every float type.
const MOST_NUMBERS: usize = 1 << 24;

struct Grad<'a, 'b, T, const MEAN: bool, const ADD: bool> {
    windows: &'a Windows,
    x: &'a [T],
    y: &'a [T],
    dy: &'a [T],
    band: &'a mut Band<'b, T>,
}

impl<T: Float + Number, const MEAN: bool, const ADD: bool> Loop for Grad<'_, '_, T, MEAN, ADD> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let channels = self.windows.channels;
        let [depth, height, width] = self.windows.output;
        let (planes, lines) = match self.windows.outer() {
            0 => (self.band.windows.clone(), 0..height),
            _ => (0..1, self.band.windows.clone()),
        };
        let steps = self.windows.steps();
        let mut sink = Sink::<T, ADD> {
            start: self.band.start,
            dx: self.band.dx,
        };
        for d in planes {
            for h in lines.clone() {
                let row = ((self.band.image * depth + d) * height + h) * width * channels;
                for w in 0..width {
                    let taps = self.windows.taps(self.band.image, [d, h, w]);
                    let from = row + w * channels;
                    by_sizes!(taps.sizes, sizes => by_blocks!(channels, L, at => {
                        let taps = Taps { first: taps.first + at, sizes };
                        let dy = lanes::<T, L>(self.dy, from + at);
                        if MEAN {
                            share::<T, ADD, L>(dy, taps, steps, &mut sink)
                        } else {
                            let y = lanes::<T, L>(self.y, from + at);
                            if ADD && sizes.iter().product::<usize>() <= MOST_NUMBERS {
                                choose_added::<T, ADD, L>(self.x, y, dy, taps, steps, &mut sink)
                            } else {
                                choose::<T, ADD, L>(self.x, y, dy, taps, steps, &mut sink)
                            }
                        }
                    }));
                }
            }
        }
    }
}

/// Where a band's gradient goes: added up where windows overlap.
struct Sink<'a, T, const ADD: bool> {
    start: usize,
    dx: &'a mut [T],
}

impl<T: Float + Number, const ADD: bool> Sink<'_, T, ADD> {
    /// What the lanes at an element hold so far: zeros outside the band, and where nothing is added.
    #[inline(always)]
    fn take<const L: usize>(&self, at: usize) -> [T; L] {
        let mut held = [<T as Number>::ZERO; L];
        let at = at.wrapping_sub(self.start);
        if ADD && at < self.dx.len() {
            held.copy_from_slice(lanes::<T, L>(self.dx, at));
        }
        held
    }

    /// Overlapping windows reach over the edges of the band: what lies outside is another band's.
    #[inline(always)]
    fn put<const L: usize>(&mut self, at: usize, part: [T; L]) {
        let at = at.wrapping_sub(self.start);
        if !ADD || at < self.dx.len() {
            self.dx[at..at + L].copy_from_slice(&part);
        }
    }
}

/// `dx = dy / count` for each element of a window.
#[inline(always)]
fn share<T: Float + Number, const ADD: bool, const L: usize>(
    dy: &[T],
    taps: Taps,
    steps: [usize; 3],
    sink: &mut Sink<T, ADD>,
) {
    let count = <T as Float>::from_usize(taps.sizes.iter().product());
    let mut part = [<T as Number>::ZERO; L];
    for l in 0..L {
        part[l] = dy[l] / count;
    }
    for i in 0..taps.sizes[0] {
        for j in 0..taps.sizes[1] {
            for k in 0..taps.sizes[2] {
                let at = taps.first + i * steps[0] + j * steps[1] + k * steps[2];
                let mut sum = sink.take::<L>(at);
                for l in 0..L {
                    sum[l] = if ADD { sum[l] + part[l] } else { part[l] };
                }
                sink.put(at, sum);
            }
        }
    }
}

/// `dx = dy` for the first element of a window that attains its maximum `y`, 0 for the others.
#[inline(always)]
fn choose<T: Float + Number, const ADD: bool, const L: usize>(
    x: &[T],
    y: &[T],
    dy: &[T],
    taps: Taps,
    steps: [usize; 3],
    sink: &mut Sink<T, ADD>,
) {
    let zero = <T as Number>::ZERO;
    let (mut top, mut left) = ([zero; L], [zero; L]);
    top.copy_from_slice(y);
    left.copy_from_slice(dy);
    for i in 0..taps.sizes[0] {
        for j in 0..taps.sizes[1] {
            for k in 0..taps.sizes[2] {
                let at = taps.first + i * steps[0] + j * steps[1] + k * steps[2];
                let v = lanes::<T, L>(x, at);
                let mut part = [zero; L];
                for l in 0..L {
                    let hit = attains(v[l], top[l]);
                    part[l] = if hit { left[l] } else { zero };
                    left[l] = if hit { zero } else { left[l] };
                }
                let held = sink.take::<L>(at);
                for l in 0..L {
                    part[l] = if ADD { part[l] + held[l] } else { part[l] };
                }
                sink.put(at, part);
            }
        }
    }
}

/// As [`choose`], in two passes, of which each is compiled into vectors where results are added up.
#[inline(always)]
fn choose_added<T: Float + Number, const ADD: bool, const L: usize>(
    x: &[T],
    y: &[T],
    dy: &[T],
    taps: Taps,
    steps: [usize; 3],
    sink: &mut Sink<T, ADD>,
) {
    let zero = <T as Number>::ZERO;
    // The number of the element chosen, counted from 1; 0 for none.
    let mut chosen = [zero; L];
    let [depth, height, width] = taps.sizes;
    for i in (0..depth).rev() {
        for j in (0..height).rev() {
            for k in (0..width).rev() {
                let at = taps.first + i * steps[0] + j * steps[1] + k * steps[2];
                let number = <T as Float>::from_usize((i * height + j) * width + k + 1);
                let v = lanes::<T, L>(x, at);
                for l in 0..L {
                    chosen[l] = if attains(v[l], y[l]) {
                        number
                    } else {
                        chosen[l]
                    };
                }
            }
        }
    }
    for i in 0..depth {
        for j in 0..height {
            for k in 0..width {
                let at = taps.first + i * steps[0] + j * steps[1] + k * steps[2];
                let number = <T as Float>::from_usize((i * height + j) * width + k + 1);
                let mut sum = sink.take::<L>(at);
                for l in 0..L {
                    sum[l] += if chosen[l] == number { dy[l] } else { zero };
                }
                sink.put(at, sum);
            }
        }
    }
}

/// The gradient of [`super::pool()`] by the image, for a gradient `dy` by each window. Of the
/// elements that attain a maximum, the first takes it. Only the maximum reads `x` and `y`.
pub fn pool_grad<T: Float + Number>(
    pooling: Pooling,
    windows: &Windows,
    x: &[T],
    y: &[T],
    dy: &[T],
    dx: &mut [T],
) {
    if dx.is_empty() {
        return;
    }
    let disjoint = windows.disjoint();
    let gaps = windows.gaps(2);
    let worth_it = dx.len() >= PARALLEL_LEN;
    let bands = cut(windows, dx);
    share_if(worth_it, bands.into_par_iter(), |mut band| {
        let band = &mut band;
        if disjoint {
            clear_gaps(windows, &gaps, band);
        } else {
            band.dx.fill(<T as Number>::ZERO);
        }
        macro_rules! go {
            ($mean:literal, $add:literal) => {
                dispatch(Grad::<T, $mean, $add> {
                    windows,
                    x,
                    y,
                    dy,
                    band,
                })
            };
        }
        match (pooling, disjoint) {
            (Pooling::Max, true) => go!(false, false),
            (Pooling::Max, false) => go!(false, true),
            (Pooling::Mean, true) => go!(true, false),
            (Pooling::Mean, false) => go!(true, true),
        }
    });
}

/// Cuts every image where windows begin, by shape.
fn cut<'a, T>(windows: &Windows, mut dx: &'a mut [T]) -> Vec<Band<'a, T>> {
    let axis = windows.outer();
    let (n, count) = (windows.input[axis], windows.output[axis]);
    let (stride, step) = (windows.strides[axis], windows.steps()[axis]);
    let group = (TASK_LEN / (stride.min(n) * step)).max(1);
    let mut bands = Vec::with_capacity(windows.images * count.div_ceil(group));
    let mut start = 0;
    for image in 0..windows.images {
        for first in (0..count).step_by(group) {
            let last = (first + group).min(count);
            let low = match first {
                0 => 0,
                _ => windows.span(axis, first).start,
            };
            let high = match last == count {
                true => n,
                false => windows.span(axis, last).start,
            };
            // The windows before `first` that still reach into the band.
            let reach = (0..first)
                .rev()
                .take_while(|&o| windows.span(axis, o).end > low)
                .count();
            let (part, rest) = dx.split_at_mut((high - low) * step);
            dx = rest;
            bands.push(Band {
                image,
                start,
                windows: first - reach..last,
                dx: part,
            });
            start += (high - low) * step;
        }
    }
    bands
}

/// Zeros where no window is.
fn clear_gaps<T: Number>(windows: &Windows, gaps: &[Range<usize>], band: &mut Band<T>) {
    let channels = windows.channels;
    let line = windows.input[2] * channels;
    let height = windows.input[1];
    let first = (band.start - band.image * windows.image()) / line;
    for (at, row) in band.dx.chunks_exact_mut(line).enumerate() {
        let (d, h) = ((first + at) / height, (first + at) % height);
        if windows.covers(0, d) && windows.covers(1, h) {
            for gap in gaps {
                row[gap.start * channels..gap.end * channels].fill(T::ZERO);
            }
        } else {
            row.fill(T::ZERO);
        }
    }
}
