//! Softmax and its kin on rows, each row shifted by its largest element so that nothing overflows.

use super::float::Float;
use super::isa::{dispatch, Loop};
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
pub(super) fn shift<T: Float + Number>(x: &[T]) -> T {
    let top = fold_row(x, T::NEG_INFINITY, |a, b| if b > a { b } else { a });
    if Number::abs(top) < T::INFINITY {
        top
    } else {
        <T as Number>::ZERO
    }
}

/// Elements of the rows that are taken together, so that one loop of exponentials or logarithms
/// serves many short rows.
pub(super) const GROUP: usize = 1024;
/// The most rows taken together.
const GROUP_ROWS: usize = 64;

/// Rows of `n` elements taken together.
#[inline(always)]
pub(super) fn group_rows(n: usize) -> usize {
    (GROUP / n).clamp(1, GROUP_ROWS)
}

/// The shift of each row of a group, and the sum of its shifted exponentials.
pub(super) struct Group<T> {
    pub(super) top: [T; GROUP_ROWS],
    pub(super) sum: [T; GROUP_ROWS],
}

impl<T: Float + Number> Group<T> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        let zeros = [<T as Number>::ZERO; GROUP_ROWS];
        Group {
            top: zeros,
            sum: zeros,
        }
    }

    /// `out = exp(x - shift)` for rows of `n`.
    #[inline(always)]
    pub(super) fn exponentials(&mut self, x: &[T], out: &mut [T], n: usize) {
        for (r, (x, out)) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)).enumerate() {
            let top = shift(x);
            self.top[r] = top;
            for (o, v) in out.iter_mut().zip(x) {
                *o = *v - top;
            }
        }
        for o in out.iter_mut() {
            *o = o.exp();
        }
        for (sum, row) in self.sum.iter_mut().zip(out.chunks_exact(n)) {
            *sum = add_up(row);
        }
    }

    /// The logarithms of the sums of `rows` rows, in their place.
    #[inline(always)]
    pub(super) fn logs(&mut self, rows: usize) {
        for sum in &mut self.sum[..rows] {
            *sum = sum.log();
        }
    }
}

#[inline(always)]
pub(super) fn add_up<T: Float + Number>(x: &[T]) -> T {
    fold_row(x, <T as Number>::ZERO, |a, b| a + b)
}

struct Rows<'a, T, F> {
    x: &'a [T],
    out: &'a mut [T],
    n: usize,
    f: F,
}

impl<T: Float + Number, F: Fn(&mut Group<T>, &[T], &mut [T])> Loop for Rows<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let mut group = Group::new();
        let size = group_rows(self.n) * self.n;
        for (x, out) in self.x.chunks(size).zip(self.out.chunks_mut(size)) {
            group.exponentials(x, out, self.n);
            (self.f)(&mut group, x, out);
        }
    }
}

/// Calls `f(group, x, exponentials)` for each group of rows of `n`.
fn rows<T: Float + Number>(
    x: &[T],
    out: &mut [T],
    n: usize,
    f: impl Fn(&mut Group<T>, &[T], &mut [T]),
) {
    dispatch(Rows { x, out, n, f });
}

/// `out = exp(x) / sum exp(x)`, row by row of length `n`.
pub fn softmax<T: Float + Number>(x: &[T], out: &mut [T], n: usize) {
    rows(
        x,
        out,
        n,
        #[inline(always)]
        |group, _, out| {
            for (out, sum) in out.chunks_exact_mut(n).zip(group.sum) {
                let scale = sum.reciprocal();
                for o in out.iter_mut() {
                    *o *= scale;
                }
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
        |group, x, out| {
            group.logs(x.len() / n);
            let shifts = group.top.iter().zip(&group.sum);
            let pairs = x.chunks_exact(n).zip(out.chunks_exact_mut(n));
            for ((x, out), (top, log)) in pairs.zip(shifts) {
                for (o, v) in out.iter_mut().zip(x) {
                    *o = (*v - *top) - *log;
                }
            }
        },
    );
}

/// Room for the exponentials of a group: the caller's row where a row is a group.
#[inline(always)]
pub(super) fn room<'a, T>(stack: &'a mut [T; GROUP], work: &'a mut [T]) -> &'a mut [T] {
    match work.len() > GROUP {
        true => work,
        false => stack,
    }
}

struct LogSumExp<'a, T> {
    x: &'a [T],
    out: &'a mut [T],
    work: &'a mut [T],
}

impl<T: Float + Number> Loop for LogSumExp<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.work.len();
        let mut stack = [<T as Number>::ZERO; GROUP];
        let work = room(&mut stack, self.work);
        let mut group = Group::new();
        let rows = group_rows(n);
        for (x, out) in self.x.chunks(rows * n).zip(self.out.chunks_mut(rows)) {
            group.exponentials(x, &mut work[..x.len()], n);
            group.logs(out.len());
            for (out, (top, log)) in out.iter_mut().zip(group.top.iter().zip(&group.sum)) {
                *out = *log + *top;
            }
        }
    }
}

/// `out = log sum exp(x)` of each row; `work` is a row.
pub fn logsumexp<T: Float + Number>(x: &[T], out: &mut [T], work: &mut [T]) {
    dispatch(LogSumExp { x, out, work });
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::cross_entropy::{cross_entropy, Reading, Target};
    use super::*;
    use crate::kernels::isa::{set_isa, Isa};

    /// Row lengths about the lanes and the groups.
    const LENGTHS: [usize; 9] = [1, 3, 10, 16, 17, 100, 1000, 1024, 1500];

    pub fn sample(n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| (i as f64 * 0.7311).fract() * 9.0 - 5.0)
            .collect()
    }

    #[test]
    fn rows_follow_the_formulas_wherever_they_stand() {
        for n in LENGTHS {
            let rows = 70;
            let x = sample(rows * n);
            let t = sample(rows * n);
            let labels: Vec<usize> = (0..rows).map(|r| r * 7 % n).collect();
            let dense = |r: usize| Target::Dense(&t[r * n..][..n]);
            let label = |r: usize| Target::Label(labels[r]);
            let mut y = vec![0.0; rows * n];
            let mut log = vec![0.0; rows * n];
            let (mut lse, mut sparse, mut full) =
                (vec![0.0; rows], vec![0.0; rows], vec![0.0; rows]);
            let mut work = vec![0.0; n];
            softmax(&x, &mut y, n);
            log_softmax(&x, &mut log, n);
            logsumexp(&x, &mut lse, &mut work);
            cross_entropy(&x, label, Reading::Logits, &mut sparse, &mut work);
            cross_entropy(&x, dense, Reading::Logits, &mut full, &mut work);
            let close =
                |a: f64, b: f64| assert!((a - b).abs() <= 1e-13 * (1.0 + b.abs()), "{n}: {a} {b}");
            for r in 0..rows {
                let at = r * n..(r + 1) * n;
                let sum: f64 = x[at.clone()].iter().map(|v| v.exp()).sum();
                close(lse[r], sum.ln());
                close(sparse[r], -log[r * n + labels[r]]);
                close(full[r], -at.clone().map(|i| t[i] * log[i]).sum::<f64>());
                for i in at {
                    close(y[i], x[i].exp() / sum);
                    close(log[i], x[i] - sum.ln());
                }
            }
            let mut alone = vec![0.0; n];
            softmax(&x[33 * n..34 * n], &mut alone, n);
            assert_eq!(alone, y[33 * n..34 * n]);
        }
    }

    #[test]
    fn infinite_logits_make_no_nan_of_finite_rows() {
        let infinite = f32::NEG_INFINITY;
        let x = [infinite, 0.0, 0.0, 1e38, -1e38, infinite];
        let mut y = [0.0; 6];
        softmax(&x, &mut y, 3);
        assert_eq!(y, [0.0, 0.5, 0.5, 1.0, 0.0, 0.0]);
        let mut out = [0.0];
        logsumexp(&[infinite; 3], &mut out, &mut [0.0; 3]);
        assert_eq!(out, [infinite]);
    }

    #[test]
    fn every_isa_gives_the_same_bits() {
        for n in LENGTHS {
            let x: Vec<f32> = sample(20 * n).iter().map(|v| *v as f32).collect();
            let run = |isa| {
                set_isa(isa).unwrap();
                let mut y = vec![0.0f32; 20 * n];
                let mut log = y.clone();
                softmax(&x, &mut y, n);
                log_softmax(&x, &mut log, n);
                y.iter()
                    .chain(&log)
                    .map(|v| v.to_bits())
                    .collect::<Vec<_>>()
            };
            let expected = run(Isa::Scalar);
            for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
                assert_eq!(run(isa), expected, "{n} {isa:?}");
            }
        }
    }
}
