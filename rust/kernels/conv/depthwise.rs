//! Convolution of every channel by itself: vectors run over the channels.

use super::axis::{Span, Walk};
use super::{Geometry, Real};
use crate::kernels::isa::{dispatch, Loop};
use crate::kernels::region::{share, IndexedParallelIterator, ParallelIterator, ParallelSliceMut};

/// Channels whose sums stay in registers.
const CHANNELS: usize = 32;
/// Chunks of images whose kernels are summed apart, at the most.
const MAX_CHUNKS: usize = 16;

/// All of a pass that gathers each position's taps (forward, or the gradient by input) that follows from
/// its shapes.
#[derive(Debug)]
pub(super) struct Plan {
    parts: Vec<Part>,
    batch: usize,
    source_shape: [usize; 3],
    result_shape: [usize; 3],
    /// Loop sizes of the last two axes.
    kernel: [usize; 2],
    channels: usize,
}

/// Positions that interleave with those of other parts.
#[derive(Debug)]
struct Part {
    walks: [Walk; 3],
    spans: [Vec<Span>; 3],
}

/// One run of a part.
struct Gather<'a, T> {
    plan: &'a Plan,
    part: &'a Part,
    w: &'a [T],
    bias: Option<&'a [T]>,
    relu: bool,
}

/// One image of a pass.
struct Image<'a, 'b, T> {
    pass: Gather<'b, T>,
    source: &'a [T],
    result: &'a mut [T],
}

impl<T: Real> Loop for Image<'_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let p = &self.pass;
        let (plan, part) = (p.plan, p.part);
        let mut taps: Vec<(usize, usize)> = Vec::new();
        for d in &part.spans[0] {
            for h in &part.spans[1] {
                for w in &part.spans[2] {
                    for od in d.positions.clone() {
                        for oh in h.positions.clone() {
                            for ow in w.positions.clone() {
                                list_taps(p, [d, h, w], [od, oh, ow], &mut taps);
                                let at = |i: usize, o: usize| {
                                    part.walks[i].first + o * part.walks[i].apart
                                };
                                let line = at(0, od) * plan.result_shape[1] + at(1, oh);
                                let to = (line * plan.result_shape[2] + at(2, ow)) * plan.channels;
                                let out = &mut self.result[to..to + plan.channels];
                                position(p, self.source, &taps, out);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Places in source and kernel of the taps of one position.
#[inline(always)]
fn list_taps<T>(
    p: &Gather<'_, T>,
    spans: [&Span; 3],
    o: [usize; 3],
    taps: &mut Vec<(usize, usize)>,
) {
    taps.clear();
    let place = |axis: usize, tap: usize| {
        let walk = &p.part.walks[axis];
        let at = (o[axis] * walk.stride) as isize + walk.taps[tap].shift;
        (at as usize, walk.taps[tap].kernel)
    };
    for d in spans[0].taps.clone() {
        for h in spans[1].taps.clone() {
            for w in spans[2].taps.clone() {
                let [(xd, kd), (xh, kh), (xw, kw)] = [place(0, d), place(1, h), place(2, w)];
                let source = (xd * p.plan.source_shape[1] + xh) * p.plan.source_shape[2] + xw;
                let kernel = (kd * p.plan.kernel[0] + kh) * p.plan.kernel[1] + kw;
                taps.push((source * p.plan.channels, kernel * p.plan.channels));
            }
        }
    }
}

/// All channels of one position.
#[inline(always)]
fn position<T: Real>(p: &Gather<'_, T>, source: &[T], taps: &[(usize, usize)], out: &mut [T]) {
    let zero = <T as crate::kernels::number::Number>::ZERO;
    let mut at = 0;
    while at < out.len() {
        let n = CHANNELS.min(out.len() - at);
        let mut sums = [zero; CHANNELS];
        if let Some(bias) = p.bias {
            sums[..n].copy_from_slice(&bias[at..at + n]);
        }
        for &(x, w) in taps {
            let (x, w) = (&source[x + at..][..n], &p.w[w + at..][..n]);
            if n == CHANNELS {
                for c in 0..CHANNELS {
                    sums[c] = x[c].mul_add(w[c], sums[c]);
                }
            } else {
                for c in 0..n {
                    sums[c] = x[c].mul_add(w[c], sums[c]);
                }
            }
        }
        if p.relu {
            for v in &mut sums {
                *v = if *v < zero { zero } else { *v };
            }
        }
        out[at..at + n].copy_from_slice(&sums[..n]);
        at += n;
    }
}

impl Plan {
    pub fn new(
        g: &Geometry,
        result_shape: [usize; 3],
        source_shape: [usize; 3],
        walks: Vec<[Walk; 3]>,
    ) -> Plan {
        let part = |walks: [Walk; 3]| Part {
            spans: [0, 1, 2].map(|a| walks[a].spans()),
            walks,
        };
        Plan {
            parts: walks.into_iter().map(part).collect(),
            batch: g.batch,
            source_shape,
            result_shape,
            kernel: [g.axes[1].kernel, g.axes[2].kernel],
            channels: g.groups,
        }
    }

    /// The result, before activations other than relu.
    pub fn run<T: Real>(
        &self,
        source: &[T],
        w: &[T],
        bias: Option<&[T]>,
        relu: bool,
        result: &mut [T],
    ) {
        let size = source.len() / self.batch;
        let images = result.par_chunks_mut(result.len() / self.batch);
        share(images.enumerate(), |(image, result)| {
            for part in &self.parts {
                dispatch(Image {
                    pass: Gather {
                        plan: self,
                        part,
                        w,
                        bias,
                        relu,
                    },
                    source: &source[image * size..(image + 1) * size],
                    result,
                });
            }
        });
    }
}

/// How many kernels of partial sums [`kernel_grad`] wants room for besides the result.
pub(super) fn partial_kernels(g: &Geometry) -> usize {
    g.batch.clamp(1, MAX_CHUNKS) - 1
}

struct KernelOf<'a, T> {
    g: &'a Geometry,
    x: &'a [T],
    dout: &'a [T],
    images: std::ops::Range<usize>,
    dw: &'a mut [T],
}

impl<T: Real> Loop for KernelOf<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (g, channels) = (self.g, self.g.groups);
        let [d, h, w] = &g.axes;
        self.dw.fill(<T as crate::kernels::number::Number>::ZERO);
        for image in self.images {
            for (tap, dw) in self.dw.chunks_exact_mut(channels).enumerate() {
                let (rest, kw) = (tap / w.kernel, tap % w.kernel);
                let (kd, kh) = (rest / h.kernel, rest % h.kernel);
                let columns = w.inside(kw);
                if columns.is_empty() {
                    continue;
                }
                for od in d.inside(kd) {
                    let id = od * d.stride + kd * d.dilation - d.before;
                    for oh in h.inside(kh) {
                        let ih = oh * h.stride + kh * h.dilation - h.before;
                        let iw = columns.start * w.stride + kw * w.dilation - w.before;
                        let x = (((image * d.input + id) * h.input + ih) * w.input + iw) * channels;
                        let y = (((image * d.output + od) * h.output + oh) * w.output
                            + columns.start)
                            * channels;
                        line(
                            dw,
                            (&self.x[x..], w.stride * channels),
                            &self.dout[y..],
                            columns.len(),
                        );
                    }
                }
            }
        }
    }
}

/// `dw[c] += sum over positions of x[p, c] * dout[p, c]`, positions of x at a step.
#[inline(always)]
fn line<T: Real>(dw: &mut [T], (x, step): (&[T], usize), dout: &[T], positions: usize) {
    let channels = dw.len();
    for (block, sums) in dw.chunks_mut(CHANNELS).enumerate() {
        let at = block * CHANNELS;
        if let Ok(sums) = <&mut [T; CHANNELS]>::try_from(&mut *sums) {
            for p in 0..positions {
                let x = &x[p * step + at..][..CHANNELS];
                let dout = &dout[p * channels + at..][..CHANNELS];
                for c in 0..CHANNELS {
                    sums[c] = x[c].mul_add(dout[c], sums[c]);
                }
            }
        } else {
            for p in 0..positions {
                let (x, dout) = (&x[p * step + at..], &dout[p * channels + at..]);
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum = x[c].mul_add(dout[c], *sum);
                }
            }
        }
    }
}

/// `dw`, as [`super::kernel_grad`]; `partial` is room for the sums of all chunks but the first.
pub(super) fn kernel_grad<T: Real>(
    g: &Geometry,
    x: &[T],
    dout: &[T],
    dw: &mut [T],
    partial: &mut [T],
) {
    let (len, chunks) = (dw.len(), partial_kernels(g) + 1);
    let partial = &mut partial[..(chunks - 1) * len];
    let kernels = dw.par_chunks_mut(len).chain(partial.par_chunks_mut(len));
    share(kernels.enumerate(), |(chunk, dw)| {
        dispatch(KernelOf {
            g,
            x,
            dout,
            images: chunk * g.batch / chunks..(chunk + 1) * g.batch / chunks,
            dw,
        });
    });
    for partial in partial.chunks(len) {
        for (sum, more) in dw.iter_mut().zip(partial) {
            *sum += *more;
        }
    }
}
