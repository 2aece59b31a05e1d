//! What a maximum picked: the gradient of its gradient.

use super::super::float::Float;
use super::super::isa::{dispatch, Loop};
use super::super::number::Number;
use super::{attains, by_blocks, by_rows, lanes, Windows, BLOCK, PART};
use std::ops::Range;

struct Pick<'a, T> {
    windows: &'a Windows,
    x: &'a [T],
    y: &'a [T],
    values: &'a [T],
    rows: Range<usize>,
    out: &'a mut [T],
}

impl<T: Float + Number> Loop for Pick<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let channels = self.windows.channels;
        let steps = self.windows.steps();
        let line = self.windows.output[2] * channels;
        let mut pixels = self.y[self.rows.start * line..]
            .chunks_exact(channels)
            .zip(self.out.chunks_exact_mut(channels));
        self.windows.each(
            self.rows,
            #[inline(always)]
            |taps| {
                let Some((y, out)) = pixels.next() else {
                    return;
                };
                by_blocks!(channels, L, at => {
                    let first = taps.first + at;
                    let (y, out) = (&y[at..at + L], &mut out[at..at + L]);
                    pick_block::<T, L>(self.x, y, self.values, first, taps.sizes, steps, out)
                });
            },
        );
    }
}

#[inline(always)]
fn pick_block<T: Float + Number, const L: usize>(
    x: &[T],
    y: &[T],
    values: &[T],
    first: usize,
    sizes: [usize; 3],
    steps: [usize; 3],
    out: &mut [T],
) {
    let mut chosen = [<T as Number>::ZERO; L];
    // From the last to the first: the first one stays.
    for i in (0..sizes[0]).rev() {
        for j in (0..sizes[1]).rev() {
            for k in (0..sizes[2]).rev() {
                let at = first + i * steps[0] + j * steps[1] + k * steps[2];
                let (v, value) = (lanes::<T, L>(x, at), lanes::<T, L>(values, at));
                for l in 0..L {
                    chosen[l] = if attains(v[l], y[l]) {
                        value[l]
                    } else {
                        chosen[l]
                    };
                }
            }
        }
    }
    out.copy_from_slice(&chosen);
}

/// `out[w] = values[i]`, `i` the first element of window `w` of `x` that attains `y[w]`; 0 where
/// none does. `values` is as `x`, `y` and `out` are as the maxima.
pub fn pick<T: Float + Number>(windows: &Windows, x: &[T], y: &[T], values: &[T], out: &mut [T]) {
    by_rows(windows, out, |rows, out| {
        dispatch(Pick {
            windows,
            x,
            y,
            values,
            rows,
            out,
        });
    });
}
