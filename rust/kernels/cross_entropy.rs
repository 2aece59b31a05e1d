//! Cross-entropy of rows: the loss, and its gradient by the predictions.

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::number::Number;
use super::softmax::{add_up, group_rows, room, Group, GROUP};

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

impl<'a, T: Float + Number, G: Fn(usize) -> Target<'a, T>> Loop for CrossEntropy<'_, T, G> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.work.len();
        let mut stack = [<T as Number>::ZERO; GROUP];
        let work = room(&mut stack, self.work);
        let mut group = Group::new();
        let rows = group_rows(n);
        let groups = self.pred.chunks(rows * n).zip(self.out.chunks_mut(rows));
        for (at, (x, out)) in groups.enumerate() {
            let work = &mut work[..x.len()];
            let target = |r: usize| (self.target)(at * rows + r);
            match self.reading {
                Reading::Logits => {
                    group.exponentials(x, work, n);
                    group.logs(out.len());
                    for (r, out) in out.iter_mut().enumerate() {
                        let (x, work) = (&x[r * n..][..n], &mut work[r * n..][..n]);
                        let (top, log) = (group.top[r], group.sum[r]);
                        *out = match target(r) {
                            Target::Label(label) => log - (x[label] - top),
                            Target::Dense(t) => {
                                for i in 0..n {
                                    work[i] = weighed(t[i], log - (x[i] - top));
                                }
                                add_up(work)
                            }
                        };
                    }
                }
                Reading::Probabilities(epsilon) => {
                    for (x, work) in x.chunks_exact(n).zip(work.chunks_exact_mut(n)) {
                        let total = add_up(x);
                        for (w, v) in work.iter_mut().zip(x) {
                            *w = clip(*v / total, epsilon).0;
                        }
                    }
                    for w in work.iter_mut() {
                        *w = -w.log();
                    }
                    for (r, out) in out.iter_mut().enumerate() {
                        let work = &mut work[r * n..][..n];
                        *out = match target(r) {
                            Target::Label(label) => work[label],
                            Target::Dense(t) => {
                                for i in 0..n {
                                    work[i] = weighed(t[i], work[i]);
                                }
                                add_up(work)
                            }
                        };
                    }
                }
            }
        }
    }
}

/// `t * minus_log`, 0 where `t` is: a class without a target may have the logit -infinity.
#[inline(always)]
fn weighed<T: Float + Number>(t: T, minus_log: T) -> T {
    let product = t * minus_log;
    if t == <T as Number>::ZERO {
        <T as Number>::ZERO
    } else {
        product
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

impl<'a, T: Float + Number, G: Fn(usize) -> Target<'a, T>> Loop for CrossEntropyGrad<'_, T, G> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.pred.len() / self.dout.len();
        let mut group = Group::new();
        let rows = group_rows(n);
        let groups = self
            .pred
            .chunks(rows * n)
            .zip(self.out.chunks_mut(rows * n));
        for (at, (x, out)) in groups.enumerate() {
            if let Reading::Logits = self.reading {
                group.exponentials(x, out, n);
            }
            let pairs = x.chunks_exact(n).zip(out.chunks_exact_mut(n));
            for (r, (x, out)) in pairs.enumerate() {
                let row = at * rows + r;
                let (target, dout) = ((self.target)(row), self.dout[row]);
                match self.reading {
                    Reading::Logits => logits_grad(target, dout, group.sum[r], out),
                    Reading::Probabilities(epsilon) => {
                        probabilities_grad(x, target, dout, epsilon, out)
                    }
                }
            }
        }
    }
}

/// `out = dout * (out / sum * sum(t) - t)`, `out` holding the exponentials.
#[inline(always)]
fn logits_grad<T: Float + Number>(target: Target<T>, dout: T, sum: T, out: &mut [T]) {
    match target {
        Target::Label(label) => {
            let scale = dout / sum;
            for o in out.iter_mut() {
                *o *= scale;
            }
            out[label] -= dout;
        }
        Target::Dense(t) => {
            let scale = add_up(t) / sum;
            for (o, t) in out.iter_mut().zip(t) {
                *o = dout * (*o * scale - *t);
            }
        }
    }
}

/// `out = (g - sum(g * q)) / sum(x)` with `q = x / sum(x)` and `g = -dout * t / q` inside the clip.
#[inline(always)]
fn probabilities_grad<T: Float + Number>(
    x: &[T],
    target: Target<T>,
    dout: T,
    epsilon: f64,
    out: &mut [T],
) {
    let zero = <T as Number>::ZERO;
    let total = add_up(x);
    let mut inner = zero;
    match target {
        Target::Label(label) => {
            out.fill(zero);
            let q = x[label] / total;
            if clip(q, epsilon).1 {
                out[label] = -dout / q;
                inner = -dout;
            }
        }
        Target::Dense(t) => {
            for i in 0..x.len() {
                let q = x[i] / total;
                let (p, inside) = clip(q, epsilon);
                let g = -(dout * t[i] / p);
                out[i] = if inside { g } else { zero };
                inner += out[i] * q;
            }
        }
    }
    for o in out.iter_mut() {
        *o = (*o - inner) / total;
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

#[cfg(test)]
mod tests {
    use super::super::softmax::tests::sample;
    use super::*;

    #[test]
    fn gradients_agree_with_differences() {
        let (rows, n) = (4, 10);
        let x: Vec<f64> = sample(rows * n).iter().map(|v| v.abs() + 0.1).collect();
        let t: Vec<f64> = sample(rows * n).iter().map(|v| v.abs()).collect();
        let dout = [0.3, -1.0, 2.0, 0.7];
        for reading in [Reading::Logits, Reading::Probabilities(1e-7)] {
            for sparse in [false, true] {
                let target = |r: usize| match sparse {
                    true => Target::Label(r * 3),
                    false => Target::Dense(&t[r * n..][..n]),
                };
                let loss = |x: &[f64]| {
                    let (mut out, mut work) = ([0.0; 4], vec![0.0; n]);
                    cross_entropy(x, target, reading, &mut out, &mut work);
                    out.iter().zip(dout).map(|(l, d)| l * d).sum::<f64>()
                };
                let mut grad = vec![0.0; rows * n];
                cross_entropy_grad(&x, target, reading, &dout, &mut grad);
                for i in 0..x.len() {
                    let (mut above, mut below) = (x.clone(), x.clone());
                    above[i] += 1e-6;
                    below[i] -= 1e-6;
                    let expected = (loss(&above) - loss(&below)) / 2e-6;
                    assert!(
                        (grad[i] - expected).abs() < 1e-7,
                        "{reading:?} {sparse} {i}"
                    );
                }
            }
        }
    }
}
