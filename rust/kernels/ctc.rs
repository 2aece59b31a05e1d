//! Connectionist temporal classification: the probability of a labelling, summed over all its
//! alignments with the frames, and the gradient by the frames' logits. In float64, as logarithms.
//!
//! The labelling is spread into `2L + 1` states: a blank before, between and after the labels. A path
//! stays in its state, goes on to the next one, or passes over the blank between two different labels.
//! `a[t][s]` is the log-probability of all ways to state `s` at frame `t`, `b[t][s]` that of all ways on
//! from there, frame `t` left out. Then `P = exp(a[T-1][2L]) + exp(a[T-1][2L-1])`, the loss is `-log P`, and
//! its gradient by `x[t][c]` is `softmax(x[t])[c]` less `exp(a[t][s] + b[t][s] - log P)` of all states `s`
//! of class `c`. (Graves et al., Connectionist Temporal Classification, ICML 2006, sections 4.1 and 4.2.)

pub mod beam;

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::math::log_one_and_exps;
use super::softmax::{add_up, shift};
use crate::memory::room;

/// The logarithm of no probability.
const NEVER: f64 = f64::NEG_INFINITY;

/// States are computed so many at a time; those that fill the last vector have no probability.
const LANES: usize = 8;

/// The frames of one sequence, and its labelling, which is not longer than they can hold.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a, T> {
    /// (frames, classes)
    pub logits: &'a [T],
    pub classes: usize,
    pub labels: &'a [usize],
    pub blank: usize,
}

/// Frames that a labelling takes at least: one a label, and a blank between equal ones.
pub fn least_frames(labels: &[usize]) -> usize {
    let repeated = labels.windows(2).filter(|pair| pair[0] == pair[1]);
    labels.len() + repeated.count()
}

/// `log(e^a + e^b)`; NaN where either is NaN.
#[inline(always)]
fn log_sum(a: f64, b: f64) -> f64 {
    log_sum3(a, b, NEVER)
}

/// `log(e^a + e^b + e^c)`; NaN where one of them is NaN.
#[inline(always)]
fn log_sum3(a: f64, b: f64, c: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    let (high, mid) = if high > c { (high, c) } else { (c, high) };
    let top = if high == NEVER { 0.0 } else { high };
    high + log_one_and_exps(mid - top, low - top)
}

/// `(top, log)` with `log softmax(x) = (x - top) - log`; `work` is as long as `x`.
#[inline(always)]
fn normaliser<T: Float>(x: &[T], work: &mut [f64]) -> (f64, f64) {
    for (w, v) in work.iter_mut().zip(x) {
        *w = v.to_f64();
    }
    let top = shift(work);
    for w in work.iter_mut() {
        *w = Float::exp(*w - top);
    }
    (top, Float::log(add_up(work)))
}

/// The log-probability of each state's class in one frame; states beyond the last keep theirs.
#[inline(always)]
fn emissions<T: Float>(row: &Labelled<T>, x: &[T], (top, log): (f64, f64), out: &mut [f64]) {
    let of = |class: usize| (x[class].to_f64() - top) - log;
    let blank = of(row.blank);
    out[0] = blank;
    for (pair, label) in out[1..].chunks_exact_mut(2).zip(row.labels) {
        pair[0] = of(*label);
        pair[1] = blank;
    }
}

struct Alignments<'a, T> {
    row: Labelled<'a, T>,
    grad: Option<&'a mut [T]>,
}

impl<T: Float> Loop for Alignments<'_, T> {
    type Out = f64;
    #[inline(always)]
    fn run(mut self) -> f64 {
        let row = self.row;
        let frames = row.logits.len() / row.classes;
        let states = 2 * row.labels.len() + 1;
        let width = states.next_multiple_of(LANES);

        // 0 where a state can be reached over the blank before it.
        let mut passes = room(NEVER, width + 2);
        for (k, label) in row.labels.iter().enumerate() {
            if k == 0 || *label != row.labels[k - 1] {
                passes[2 * k + 1] = 0.0;
            }
        }
        let mut shares = room(0.0, row.classes);
        let mut logs = room((0.0, 0.0), frames);
        let mut emitted = room(NEVER, width);
        // a[t] of all frames, where they are needed again.
        let mut ways = room(
            0.0,
            if self.grad.is_some() {
                frames * width
            } else {
                0
            },
        );
        // a[t - 1] behind two states that are never there. Every path comes from the one before the first.
        let mut before = room(NEVER, width + 2);
        let mut now = room(NEVER, width + 2);
        before[1] = 0.0;
        for (t, x) in row.logits.chunks_exact(row.classes).enumerate() {
            logs[t] = normaliser(x, &mut shares);
            emissions(&row, x, logs[t], &mut emitted);
            let a = &mut now[2..][..width];
            let (stay, step) = (&before[2..][..width], &before[1..][..width]);
            let (pass, passes) = (&before[..width], &passes[..width]);
            let emitted = &emitted[..width];
            for s in 0..width {
                a[s] = log_sum3(stay[s], step[s], pass[s] + passes[s]) + emitted[s];
            }
            if let Some(kept) = ways.chunks_exact_mut(width).nth(t) {
                kept.copy_from_slice(a);
            }
            std::mem::swap(&mut before, &mut now);
            now[1] = NEVER;
        }
        let total = log_sum(before[states + 1], before[states]);

        let Some(grad) = &mut self.grad else {
            return -total;
        };
        let mut on = room(NEVER, width); // b[t]
        on[states - 1] = 0.0;
        on[states.saturating_sub(2)] = 0.0;
        let mut after = room(NEVER, width + 2); // b[t] with frame t, before two states that are never there
        let mut occupied = room(0.0, width);
        for t in (0..frames).rev() {
            let x = &row.logits[t * row.classes..][..row.classes];
            for ((o, a), b) in occupied.iter_mut().zip(&ways[t * width..]).zip(&on) {
                *o = Float::exp(*a + *b - total);
            }
            let (top, log) = logs[t];
            for (share, v) in shares.iter_mut().zip(x) {
                *share = Float::exp((v.to_f64() - top) - log);
            }
            shares[row.blank] -= occupied[0];
            for (pair, label) in occupied[1..].chunks_exact(2).zip(row.labels) {
                shares[*label] -= pair[0];
                shares[row.blank] -= pair[1];
            }
            for (out, share) in grad[t * row.classes..].iter_mut().zip(&shares) {
                *out = T::from_f64(*share);
            }
            emissions(&row, x, logs[t], &mut emitted);
            for ((after, b), e) in after.iter_mut().zip(&on).zip(&emitted) {
                *after = *b + *e;
            }
            let (stay, step) = (&after[..width], &after[1..][..width]);
            let (pass, passes) = (&after[2..][..width], &passes[2..][..width]);
            let on = &mut on[..width];
            for s in 0..width {
                on[s] = log_sum3(stay[s], step[s], pass[s] + passes[s]);
            }
        }
        -total
    }
}

/// The loss, `-log P`; `grad` (frames, classes) takes its gradient by the logits.
pub fn ctc<T: Float>(row: Labelled<T>, grad: Option<&mut [T]>) -> f64 {
    match row.logits.is_empty() {
        true => 0.0,
        false => dispatch(Alignments { row, grad }),
    }
}

#[cfg(test)]
mod tests;
