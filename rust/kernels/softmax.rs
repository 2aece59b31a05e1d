//! Softmax and its kin on rows, each row shifted by its largest element so that nothing overflows.

use super::float::Float;
use super::isa::{dispatch, Kernel};
use super::number::Number;

/// Virtual lanes of the sums, whatever the vector width.
const LANES: usize = 16;

/// Folds a row in lanes, then the lanes in order: the same bits on every instruction set.
#[inline(always)]
pub fn fold_row<T: Float>(x: &[T], start: T, f: impl Fn(T, T) -> T) -> T {
    let whole = x.len() / LANES * LANES;
    if whole == 0 {
        return x.iter().fold(start, |acc, v| f(acc, *v));
    }
    let mut lanes = [start; LANES];
    for block in x[..whole].chunks_exact(LANES) {
        for (lane, v) in lanes.iter_mut().zip(block) {
            *lane = f(*lane, *v);
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] = f(lanes[l], lanes[l + width]);
        }
        width /= 2;
    }
    x[whole..].iter().fold(lanes[0], |acc, v| f(acc, *v))
}

/// The row's largest element, or 0 where that is infinite: a shift that makes no NaN of -inf.
#[inline(always)]
fn shift<T: Float + Number>(x: &[T]) -> T {
    let top = fold_row(x, T::NEG_INFINITY, |a, b| if b > a { b } else { a });
    if Number::abs(top) < T::INFINITY {
        top
    } else {
        <T as Number>::ZERO
    }
}

/// `out = exp(x - shift)`; gives `(shift, sum of out)`.
#[inline(always)]
fn exponentials<T: Float + Number>(x: &[T], out: &mut [T]) -> (T, T) {
    let top = shift(x);
    for (o, v) in out.iter_mut().zip(x) {
        *o = (*v - top).exp();
    }
    (top, fold_row(out, <T as Number>::ZERO, |a, b| a + b))
}

struct Rows<'a, T, F> {
    x: &'a [T],
    out: &'a mut [T],
    n: usize,
    f: F,
}

impl<T, F: Fn(&[T], &mut [T])> Kernel for Rows<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (x, out) in self
            .x
            .chunks_exact(self.n)
            .zip(self.out.chunks_exact_mut(self.n))
        {
            (self.f)(x, out);
        }
    }
}

fn rows<T>(x: &[T], out: &mut [T], n: usize, f: impl Fn(&[T], &mut [T])) {
    dispatch(Rows { x, out, n, f });
}

/// `out = exp(x) / sum exp(x)`, row by row of length `n`.
pub fn softmax<T: Float + Number>(x: &[T], out: &mut [T], n: usize) {
    rows(
        x,
        out,
        n,
        #[inline(always)]
        |x, out| {
            let (_, sum) = exponentials(x, out);
            for o in out.iter_mut() {
                *o = *o / sum;
            }
        },
    );
}

/// `out = x - log sum exp(x)`, row by row of length `n`.
pub fn log_softmax<T: Float + Number>(x: &[T], out: &mut [T], n: usize) {
    rows(
        x,
        out,
        n,
        #[inline(always)]
        |x, out| {
            let (top, sum) = exponentials(x, out);
            let log = sum.log();
            for (o, v) in out.iter_mut().zip(x) {
                *o = (*v - top) - log;
            }
        },
    );
}

struct LogSumExp<'a, T> {
    x: &'a [T],
    out: &'a mut [T],
    work: &'a mut [T],
}

impl<T: Float + Number> Kernel for LogSumExp<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.work.len();
        for (x, out) in self.x.chunks_exact(n).zip(self.out) {
            let (top, sum) = exponentials(x, self.work);
            *out = sum.log() + top;
        }
    }
}

/// `out = log sum exp(x)` of each row; `work` is a row.
pub fn logsumexp<T: Float + Number>(x: &[T], out: &mut [T], work: &mut [T]) {
    dispatch(LogSumExp { x, out, work });
}

/// The target of one row.
#[derive(Clone, Copy)]
pub enum Target<'a, T> {
    /// A weight for each class.
    Dense(&'a [T]),
    /// The class.
    Label(usize),
}

/// How cross-entropy reads its predictions.
#[derive(Clone, Copy, Debug)]
pub enum Reading {
    Logits,
    /// Probabilities, divided by their sum and kept off 0 and 1 by this much.
    Probabilities(f64),
}

struct CrossEntropy<'a, T, G> {
    pred: &'a [T],
    target: G,
    reading: Reading,
    out: &'a mut [T],
    work: &'a mut [T],
}

impl<'a, T: Float + Number, G: Fn(usize) -> Target<'a, T>> Kernel for CrossEntropy<'_, T, G> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.work.len();
        let zero = <T as Number>::ZERO;
        for (row, (x, out)) in self.pred.chunks_exact(n).zip(self.out).enumerate() {
            let work = &mut *self.work;
            *out = match (self.reading, (self.target)(row)) {
                (Reading::Logits, Target::Label(label)) => {
                    let (top, sum) = exponentials(x, work);
                    sum.log() - (x[label] - top)
                }
                (Reading::Logits, Target::Dense(t)) => {
                    let (top, sum) = exponentials(x, work);
                    let log = sum.log();
                    for i in 0..n {
                        work[i] = t[i] * (log - (x[i] - top));
                    }
                    fold_row(work, zero, |a, b| a + b)
                }
                (Reading::Probabilities(epsilon), Target::Label(label)) => {
                    let total = fold_row(x, zero, |a, b| a + b);
                    -clip(x[label] / total, epsilon).0.log()
                }
                (Reading::Probabilities(epsilon), Target::Dense(t)) => {
                    let total = fold_row(x, zero, |a, b| a + b);
                    for i in 0..n {
                        work[i] = -(t[i] * clip(x[i] / total, epsilon).0.log());
                    }
                    fold_row(work, zero, |a, b| a + b)
                }
            };
        }
    }
}

/// `q` kept in `[epsilon, 1 - epsilon]`, and whether it was inside.
#[inline(always)]
fn clip<T: Float + Number>(q: T, epsilon: f64) -> (T, bool) {
    let low = <T as Number>::from_f64(epsilon);
    let high = <T as Number>::ONE - low;
    if q < low {
        (low, false)
    } else if q > high {
        (high, false)
    } else {
        (q, true)
    }
}

/// The loss of each row of `pred`; `work` is a row.
pub fn cross_entropy<'a, T: Float + Number>(
    pred: &[T],
    target: impl Fn(usize) -> Target<'a, T>,
    reading: Reading,
    out: &mut [T],
    work: &mut [T],
) {
    dispatch(CrossEntropy {
        pred,
        target,
        reading,
        out,
        work,
    });
}

struct CrossEntropyGrad<'a, T, G> {
    pred: &'a [T],
    target: G,
    reading: Reading,
    dout: &'a [T],
    out: &'a mut [T],
}

impl<'a, T: Float + Number, G: Fn(usize) -> Target<'a, T>> Kernel for CrossEntropyGrad<'_, T, G> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.pred.len() / self.dout.len();
        let zero = <T as Number>::ZERO;
        let rows = self.pred.chunks_exact(n).zip(self.out.chunks_exact_mut(n));
        for (row, ((x, out), dout)) in rows.zip(self.dout).enumerate() {
            let target = (self.target)(row);
            match self.reading {
                Reading::Logits => {
                    let (_, sum) = exponentials(x, out);
                    match target {
                        Target::Label(label) => {
                            let scale = *dout / sum;
                            for o in out.iter_mut() {
                                *o = *o * scale;
                            }
                            out[label] = out[label] - *dout;
                        }
                        Target::Dense(t) => {
                            let weight = fold_row(t, zero, |a, b| a + b);
                            for i in 0..n {
                                out[i] = *dout * (out[i] / sum * weight - t[i]);
                            }
                        }
                    }
                }
                Reading::Probabilities(epsilon) => {
                    // g = -dout t / p inside the clip; dpred = (g - sum of g q) / total
                    let total = fold_row(x, zero, |a, b| a + b);
                    let mut inner = zero;
                    match target {
                        Target::Label(label) => {
                            out.fill(zero);
                            let q = x[label] / total;
                            if clip(q, epsilon).1 {
                                out[label] = -*dout / q;
                                inner = -*dout;
                            }
                        }
                        Target::Dense(t) => {
                            for i in 0..n {
                                let q = x[i] / total;
                                let (p, inside) = clip(q, epsilon);
                                let g = -(*dout * t[i] / p);
                                out[i] = if inside { g } else { zero };
                                inner += out[i] * q;
                            }
                        }
                    }
                    for o in out.iter_mut() {
                        *o = (*o - inner) / total;
                    }
                }
            }
        }
    }
}

/// The gradient of [`cross_entropy`] by `pred`, for a gradient by each row's loss.
pub fn cross_entropy_grad<'a, T: Float + Number>(
    pred: &[T],
    target: impl Fn(usize) -> Target<'a, T>,
    reading: Reading,
    dout: &[T],
    out: &mut [T],
) {
    dispatch(CrossEntropyGrad {
        pred,
        target,
        reading,
        dout,
        out,
    });
}
