//! Optimizer updates: every state of a weight read and written once.

pub mod by_rows;

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::number::Number;
use super::region::{share, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};

/// Elements a task.
const CHUNK: usize = 1 << 14;
/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 16;

/// Constants of an Adam step.
#[derive(Clone, Copy, Debug)]
pub struct Adam<T> {
    /// `1 - beta_1`.
    pub rest_1: T,
    /// `1 - beta_2`.
    pub rest_2: T,
    pub epsilon: T,
    /// The learning rate with both bias corrections.
    pub alpha: T,
}

struct Step<'a, T> {
    w: &'a mut [T],
    m: &'a mut [T],
    v: &'a mut [T],
    g: &'a [T],
    adam: Adam<T>,
}

impl<T: Float> Adam<T> {
    /// Whether a gradient of 0 changes nothing where both averages are 0: `w - 0` is `w` then.
    fn rests(&self) -> bool {
        let is_rate = self.alpha >= T::ZERO && self.alpha < T::INFINITY;
        is_rate && T::ONE.copysign(self.alpha) > T::ZERO && self.epsilon > T::ZERO
    }
}

impl<T: Float> Loop for Step<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.w.len();
        let (w, m, v, g) = (self.w, &mut self.m[..n], &mut self.v[..n], &self.g[..n]);
        let Adam {
            rest_1,
            rest_2,
            epsilon,
            alpha,
        } = self.adam;
        for i in 0..n {
            let first = (g[i] - m[i]).mul_add(rest_1, m[i]);
            let second = g[i].mul_add(g[i], -v[i]).mul_add(rest_2, v[i]);
            m[i] = first;
            v[i] = second;
            w[i] -= first * alpha / (second.sqrt() + epsilon);
        }
    }
}

/// `m += (g - m)(1 - beta_1)`, `v += (g^2 - v)(1 - beta_2)`, `w -= alpha m / (sqrt(v) + epsilon)`.
pub fn adam<T: Float + Number>(w: &mut [T], m: &mut [T], v: &mut [T], g: &[T], adam: Adam<T>) {
    if w.len() < PARALLEL_LEN {
        return dispatch(Step { w, m, v, g, adam });
    }
    let tasks = w
        .par_chunks_mut(CHUNK)
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK))
        .zip(g.par_chunks(CHUNK));
    share(tasks, |(((w, m), v), g)| {
        dispatch(Step { w, m, v, g, adam })
    });
}
