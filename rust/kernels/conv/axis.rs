//! One spatial axis of a convolution: which taps of the kernel meet the image at which positions.

use std::ops::Range;

/// Sizes and steps along one axis: output `o` under tap `k` reads input
/// `o * stride + k * dilation - before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Zeros in front of the input.
    pub before: usize,
}

impl Axis {
    /// The axis along which nothing moves.
    pub const ONE: Axis = Axis {
        input: 1,
        output: 1,
        kernel: 1,
        stride: 1,
        dilation: 1,
        before: 0,
    };

    /// How outputs read the input.
    pub(super) fn forward(&self) -> Walk {
        Walk {
            count: self.output,
            first: 0,
            apart: 1,
            stride: self.stride,
            source: self.input,
            taps: (0..self.kernel)
                .map(|k| Tap {
                    kernel: k,
                    shift: (k * self.dilation) as isize - self.before as isize,
                })
                .collect(),
        }
    }

    /// How the inputs `phase`, `phase + stride`, ... gather from the outputs that read them.
    pub(super) fn backward(&self, phase: usize) -> Walk {
        let stride = self.stride as isize;
        let taps = (0..self.kernel).rev().filter_map(|k| {
            let shift = (phase + self.before) as isize - (k * self.dilation) as isize;
            (shift % stride == 0).then_some(Tap {
                kernel: k,
                shift: shift / stride,
            })
        });
        Walk {
            count: self.input.saturating_sub(phase).div_ceil(self.stride),
            first: phase,
            apart: self.stride,
            stride: 1,
            source: self.output,
            taps: taps.collect(),
        }
    }

    /// The outputs that read inside the input under tap `k`.
    pub(super) fn inside(&self, k: usize) -> Range<usize> {
        let at = k * self.dilation;
        let start = self.before.saturating_sub(at).div_ceil(self.stride);
        let end = match (self.input + self.before).checked_sub(at + 1) {
            Some(room) => (room / self.stride + 1).min(self.output),
            None => 0,
        };
        start.min(end)..end
    }
}

/// A tap of the kernel, and what it adds to a position's place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub kernel: usize,
    pub shift: isize,
}

/// Positions of a result along one axis: position `i` lies at `first + i * apart` and reads the
/// source at `i * stride + shift` for each tap, in ascending order of shifts.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub count: usize,
    pub first: usize,
    pub apart: usize,
    pub stride: usize,
    pub source: usize,
    pub taps: Vec<Tap>,
}

/// Neighbouring positions for which the same taps lie inside the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub positions: Range<usize>,
    pub taps: Range<usize>,
}

impl Walk {
    /// The positions, cut where the set of taps inside the source changes.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for i in 0..self.count {
            let at = |tap: &Tap| (i * self.stride) as isize + tap.shift;
            let below = self.taps.partition_point(|t| at(t) < 0);
            let end = self.taps.partition_point(|t| at(t) < self.source as isize);
            let taps = below..end.max(below);
            match spans.last_mut() {
                Some(last) if last.taps == taps => last.positions.end = i + 1,
                _ => spans.push(Span {
                    positions: i..i + 1,
                    taps,
                }),
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> impl Iterator<Item = Axis> {
        (1..8).flat_map(|input| {
            (1..4).flat_map(move |kernel| {
                (1..4).flat_map(move |stride| {
                    (1..3).flat_map(move |dilation| {
                        (0..4).filter_map(move |before| {
                            let padded: usize = input + 2 * before;
                            let room = padded.checked_sub((kernel - 1) * dilation + 1)?;
                            Some(Axis {
                                input,
                                output: room / stride + 1,
                                kernel,
                                stride,
                                dilation,
                                before,
                            })
                        })
                    })
                })
            })
        })
    }

    /// `(output, input, tap)` of every product, by the definition.
    fn products(a: &Axis) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for o in 0..a.output {
            for k in 0..a.kernel {
                let at = (o * a.stride + k * a.dilation).checked_sub(a.before);
                if let Some(i) = at.filter(|i| *i < a.input) {
                    all.push((o, i, k));
                }
            }
        }
        all.sort_unstable();
        all
    }

    fn walked(walk: &Walk) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for span in walk.spans() {
            for i in span.positions {
                for tap in &walk.taps[span.taps.clone()] {
                    let source = (i * walk.stride) as isize + tap.shift;
                    let result = walk.first + i * walk.apart;
                    all.push((result, source as usize, tap.kernel));
                }
            }
        }
        all
    }

    #[test]
    fn every_product_is_met_once() {
        for axis in axes() {
            let expected = products(&axis);
            let mut forward = walked(&axis.forward());
            forward.sort_unstable();
            assert_eq!(forward, expected, "{axis:?}");
            let mut backward: Vec<_> = (0..axis.stride)
                .flat_map(|phase| walked(&axis.backward(phase)))
                .map(|(input, output, k)| (output, input, k))
                .collect();
            backward.sort_unstable();
            assert_eq!(backward, expected, "{axis:?}");
            let mut inside: Vec<_> = (0..axis.kernel)
                .flat_map(|k| axis.inside(k).map(move |o| (o, k)))
                .collect();
            inside.sort_unstable();
            let pairs: Vec<_> = expected.iter().map(|(o, _, k)| (*o, *k)).collect();
            assert_eq!(inside, pairs, "{axis:?}");
        }
    }
}
