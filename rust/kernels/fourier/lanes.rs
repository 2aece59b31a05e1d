//! Rows, and the same numbers interleaved: place i of row l at `i * lanes + l`.

use crate::kernels::float::Float;
use crate::kernels::isa::{dispatch, Loop};

/// Places that are turned round together, so that the lines of memory which they share stay at hand.
const TOGETHER: usize = 16;

/// Every `step`-th element of each row, from `first` on: what is interleaved of rows.
#[derive(Clone, Copy)]
pub struct Part {
    pub width: usize,
    pub first: usize,
    pub step: usize,
}

impl Part {
    pub fn whole(width: usize) -> Self {
        Part {
            width,
            first: 0,
            step: 1,
        }
    }
}

/// Fills `out`, whole rows of `lanes`, with the part of so many rows x.
pub fn interleave<T: Float>(x: &[T], part: Part, lanes: usize, out: &mut [T]) {
    if lanes == 1 && part.step == 1 {
        return out.copy_from_slice(&x[part.first..][..out.len()]);
    }
    dispatch(Interleave {
        x,
        part,
        lanes,
        out,
    });
}

/// The way back: writes the part of the rows, each place i times `factor(i)`.
pub fn separate<T: Float>(
    x: &[T],
    lanes: usize,
    part: Part,
    out: &mut [T],
    factor: impl Fn(usize) -> T,
) {
    dispatch(Separate {
        x,
        lanes,
        part,
        out,
        factor,
    });
}

struct Interleave<'a, T> {
    x: &'a [T],
    part: Part,
    lanes: usize,
    out: &'a mut [T],
}

impl<T: Float> Loop for Interleave<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Part { width, first, step } = self.part;
        let tiles = self.out.chunks_mut(TOGETHER * self.lanes);
        for (tile, out) in tiles.enumerate() {
            let from = first + tile * TOGETHER * step;
            for (lane, row) in self.x.chunks_exact(width).enumerate() {
                let places = out[lane..].iter_mut().step_by(self.lanes);
                for (out, x) in places.zip(row[from..].iter().step_by(step)) {
                    *out = *x;
                }
            }
        }
    }
}

struct Separate<'a, T, F> {
    x: &'a [T],
    lanes: usize,
    part: Part,
    out: &'a mut [T],
    factor: F,
}

impl<T: Float, F: Fn(usize) -> T> Loop for Separate<'_, T, F> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Part { width, first, step } = self.part;
        for (tile, x) in self.x.chunks(TOGETHER * self.lanes).enumerate() {
            let at = tile * TOGETHER;
            let mut factors = [T::ONE; TOGETHER];
            for (i, factor) in factors.iter_mut().enumerate() {
                *factor = (self.factor)(at + i);
            }
            for (lane, row) in self.out.chunks_exact_mut(width).enumerate() {
                let places = row[first + at * step..].iter_mut().step_by(step);
                let numbers = x[lane..].iter().step_by(self.lanes).zip(factors);
                for (out, (x, factor)) in places.zip(numbers) {
                    *out = *x * factor;
                }
            }
        }
    }
}
