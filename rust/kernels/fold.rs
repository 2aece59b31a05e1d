//! Reductions of contiguous runs, in an order that depends on the length alone.
//!
//! A run is folded in 32 virtual lanes (element `i` into lane `i % 32`), which are then combined as a
//! binary tree; runs longer than `RUN` are folded piece by piece and the pieces folded again. So sums
//! lose little and neither threads nor vector width change a bit.

use super::isa::{dispatch, Loop};
use super::number::Number;
use super::region::{share_if, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use crate::memory::room;

const LANES: usize = 32;
/// Blocks of a run folded in one pass.
const DEPTH: usize = 8;
/// Elements of a run folded at once.
const RUN: usize = 4096;
/// Elements under which one thread does it all.
const PARALLEL_LEN: usize = 1 << 16;

/// How two elements become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    Sum,
    Prod,
    Max,
    Min,
}

impl Fold {
    /// The fold of nothing; max and min have none, and start from an element.
    pub fn identity<T: Number>(self) -> Option<T> {
        match self {
            Fold::Sum => Some(T::ZERO),
            Fold::Prod => Some(T::ONE),
            Fold::Max | Fold::Min => None,
        }
    }
}

/// `x[0] f x[1] f ...`; `x` is not empty for max and min.
pub fn fold<T: Number>(f: Fold, x: &[T]) -> T {
    if x.len() <= RUN {
        return fold_run(f, x);
    }
    let pieces = x.len().div_ceil(RUN);
    let mut partial = room(T::ZERO, pieces);
    let tasks = x.par_chunks(16 * RUN).zip(partial.par_chunks_mut(16));
    share_if(x.len() >= PARALLEL_LEN, tasks, |(x, out)| {
        for (x, out) in x.chunks(RUN).zip(out) {
            *out = fold_run(f, x);
        }
    });
    fold(f, &partial)
}

fn fold_run<T: Number>(f: Fold, x: &[T]) -> T {
    match f {
        Fold::Sum => dispatch(Run(
            x,
            #[inline(always)]
            |a: T, b: T| a.add(b),
            T::ZERO,
        )),
        Fold::Prod => dispatch(Run(
            x,
            #[inline(always)]
            |a: T, b: T| a.mul(b),
            T::ONE,
        )),
        Fold::Max => dispatch(Extreme(
            x,
            #[inline(always)]
            |v: T, top: T| v > top,
        )),
        Fold::Min => dispatch(Extreme(
            x,
            #[inline(always)]
            |v: T, top: T| v < top,
        )),
    }
}

struct Run<'a, T, F>(&'a [T], F, T);

impl<T: Number, F: Fn(T, T) -> T> Loop for Run<'_, T, F> {
    type Out = T;
    #[inline(always)]
    fn run(self) -> T {
        let Run(x, f, start) = self;
        let mut lanes = [start; LANES];
        // Several blocks at a time: the lanes stay in registers between them.
        let mut groups = x.chunks_exact(DEPTH * LANES);
        for group in &mut groups {
            fold_blocks::<T, DEPTH>(&mut lanes, group, &f);
        }
        let mut blocks = groups.remainder().chunks_exact(LANES);
        for block in &mut blocks {
            fold_blocks::<T, 1>(&mut lanes, block, &f);
        }
        for (lane, v) in lanes.iter_mut().zip(blocks.remainder()) {
            *lane = f(*lane, *v);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for l in 0..width {
                lanes[l] = f(lanes[l], lanes[l + width]);
            }
            width /= 2;
        }
        lanes[0]
    }
}

/// `lanes[l] = lanes[l] f x[l] f x[LANES + l] ...` of `D` blocks.
#[inline(always)]
fn fold_blocks<T: Number, const D: usize>(lanes: &mut [T; LANES], x: &[T], f: &impl Fn(T, T) -> T) {
    let x = &x[..D * LANES];
    for l in 0..LANES {
        let mut lane = lanes[l];
        for d in 0..D {
            lane = f(lane, x[d * LANES + l]);
        }
        lanes[l] = lane;
    }
}

/// The first element of each lane that `beats` all others of it, then of the lanes; NaN where some
/// element is. Two lanes of selects are faster than one of NaN-keeping comparisons.
struct Extreme<'a, T, F>(&'a [T], F);

impl<T: Number, F: Fn(T, T) -> bool> Loop for Extreme<'_, T, F> {
    type Out = T;
    #[inline(always)]
    fn run(self) -> T {
        let Extreme(x, beats) = self;
        let mut tops = [x[0]; LANES];
        let mut nans = [T::ZERO; LANES];
        let mut blocks = x.chunks_exact(LANES);
        for block in &mut blocks {
            for l in 0..LANES {
                watch(block[l], &mut tops[l], &mut nans[l], &beats);
            }
        }
        for (l, v) in blocks.remainder().iter().enumerate() {
            watch(*v, &mut tops[l], &mut nans[l], &beats);
        }
        #[allow(clippy::eq_op)]
        if let Some(nan) = nans.into_iter().find(|v| v != v) {
            return nan;
        }
        let top = |a: T, b: T| if beats(b, a) { b } else { a };
        tops.into_iter().reduce(top).unwrap_or(x[0])
    }
}

/// Takes `v` into the lane of `top`, or into the lane of `nan`.
#[inline(always)]
fn watch<T: Number>(v: T, top: &mut T, nan: &mut T, beats: &impl Fn(T, T) -> bool) {
    #[allow(clippy::eq_op)]
    let number = v == v;
    *top = if beats(v, *top) { v } else { *top };
    *nan = if number { *nan } else { v };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{dispatch_on, Isa};

    fn sample(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * 0.7311).fract() - 0.4).collect()
    }

    /// Element `i` into lane `i % 32`, the lanes as a tree.
    fn by_definition(x: &[f32]) -> f32 {
        let mut lanes = [0.0f32; LANES];
        for (i, v) in x.iter().enumerate() {
            lanes[i % LANES] += v;
        }
        let mut width = LANES / 2;
        while width > 0 {
            for l in 0..width {
                lanes[l] += lanes[l + width];
            }
            width /= 2;
        }
        lanes[0]
    }

    #[test]
    fn a_run_is_folded_in_lanes_under_every_isa() {
        for n in [0, 1, 31, 32, 33, 255, 256, 257, 300, 1000, RUN] {
            let x = sample(n);
            for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
                let got = dispatch_on(isa, Run(&x, |a: f32, b: f32| a + b, 0.0));
                assert_eq!(got.to_bits(), by_definition(&x).to_bits(), "{n} {isa:?}");
            }
        }
    }

    #[test]
    fn max_and_min_are_nan_where_an_element_is() {
        let mut x = sample(777);
        x[50] = -2.0;
        x[700] = 3.0;
        assert_eq!(fold(Fold::Max, &x), 3.0);
        assert_eq!(fold(Fold::Min, &x), -2.0);
        x[300] = f32::NAN;
        assert!(fold(Fold::Max, &x).is_nan() && fold(Fold::Min, &x).is_nan());
    }
}
