//! Reductions of contiguous runs and of columns, in an order that depends on the shape alone.
//!
//! A run is folded in 32 virtual lanes (element `i` into lane `i % 32`), which are then combined as a
//! binary tree; runs longer than `RUN` are folded piece by piece and the pieces folded again. Columns
//! are folded down blocks of `ROWS` rows, whose results are folded in order. So sums lose little
//! and neither threads nor vector width change a bit.

use super::isa::{dispatch, Kernel};
use super::number::Number;
use super::threads::parallel_for;
use std::sync::Mutex;

const LANES: usize = 32;
/// Blocks of a run, or rows of a block of columns, folded in one pass.
const DEPTH: usize = 8;
/// Elements of a run folded at once.
const RUN: usize = 4096;
/// Rows of a block of columns folded at once.
const ROWS: usize = 64;
/// Columns a task.
const COLUMNS: usize = 256;
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
    let mut partial = vec![T::ZERO; pieces];
    {
        let slots: Vec<Mutex<&mut [T]>> = partial.chunks_mut(16).map(Mutex::new).collect();
        let task = |t: usize| {
            let mut slot = slots[t].lock().unwrap_or_else(|e| e.into_inner());
            for (p, out) in slot.iter_mut().enumerate() {
                let start = (t * 16 + p) * RUN;
                *out = fold_run(f, &x[start..(start + RUN).min(x.len())]);
            }
        };
        if x.len() < PARALLEL_LEN {
            (0..slots.len()).for_each(task);
        } else {
            parallel_for(slots.len(), &task);
        }
    }
    fold(f, &partial)
}

fn fold_run<T: Number>(f: Fold, x: &[T]) -> T {
    match f {
        Fold::Sum => dispatch(Run(
            x,
            #[inline(always)]
            |a: T, b: T| a.add(b),
            f,
        )),
        Fold::Prod => dispatch(Run(
            x,
            #[inline(always)]
            |a: T, b: T| a.mul(b),
            f,
        )),
        Fold::Max => dispatch(Run(
            x,
            #[inline(always)]
            |a: T, b: T| a.maximum(b),
            f,
        )),
        Fold::Min => dispatch(Run(
            x,
            #[inline(always)]
            |a: T, b: T| a.minimum(b),
            f,
        )),
    }
}

struct Run<'a, T, F>(&'a [T], F, Fold);

impl<T: Number, F: Fn(T, T) -> T> Kernel for Run<'_, T, F> {
    type Out = T;
    #[inline(always)]
    fn run(self) -> T {
        let Run(x, f, kind) = self;
        let start = kind.identity().unwrap_or_else(|| x[0]);
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

/// `out[j] = x[0, j] f x[1, j] f ...` for `x (rows, n)`; `rows` is not 0 for max and min.
pub fn fold_columns<T: Number>(f: Fold, x: &[T], n: usize, out: &mut [T]) {
    let rows = x.len() / n.max(1);
    let tasks: Vec<Mutex<&mut [T]>> = out.chunks_mut(COLUMNS).map(Mutex::new).collect();
    let task = |t: usize| {
        let mut out = tasks[t].lock().unwrap_or_else(|e| e.into_inner());
        let from = t * COLUMNS;
        let mut block = vec![T::ZERO; out.len()];
        let mut row = 0;
        let mut first = true;
        if rows == 0 {
            out.fill(f.identity().unwrap_or(T::ZERO));
        }
        while row < rows {
            let end = (row + ROWS).min(rows);
            let rest = &x[row * n + from..];
            block.copy_from_slice(&rest[..out.len()]);
            if end > row + 1 {
                fold_down(f, &rest[n..], n, end - row - 1, &mut block);
            }
            if first {
                out.copy_from_slice(&block);
            } else {
                fold_down(f, &block, 0, 1, &mut out);
            }
            first = false;
            row = end;
        }
    };
    if x.len() < PARALLEL_LEN {
        (0..tasks.len()).for_each(task);
    } else {
        parallel_for(tasks.len(), &task);
    }
}

/// `acc[j] = acc[j] f x[j] f x[n + j] ...` of `rows` rows that start `n` apart.
fn fold_down<T: Number>(f: Fold, x: &[T], n: usize, rows: usize, acc: &mut [T]) {
    match f {
        Fold::Sum => down(
            x,
            n,
            rows,
            acc,
            #[inline(always)]
            |a: T, b: T| a.add(b),
        ),
        Fold::Prod => down(
            x,
            n,
            rows,
            acc,
            #[inline(always)]
            |a: T, b: T| a.mul(b),
        ),
        Fold::Max => down(
            x,
            n,
            rows,
            acc,
            #[inline(always)]
            |a: T, b: T| a.maximum(b),
        ),
        Fold::Min => down(
            x,
            n,
            rows,
            acc,
            #[inline(always)]
            |a: T, b: T| a.minimum(b),
        ),
    }
}

fn down<T: Number>(x: &[T], n: usize, rows: usize, acc: &mut [T], f: impl Fn(T, T) -> T) {
    dispatch(Down { x, n, rows, acc, f });
}

struct Down<'a, T, F> {
    x: &'a [T],
    n: usize,
    rows: usize,
    acc: &'a mut [T],
    f: F,
}

impl<T: Number, F: Fn(T, T) -> T> Kernel for Down<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Down { x, n, rows, acc, f } = self;
        let width = acc.len();
        let row = |r: usize| &x[r * n..r * n + width];
        let mut at = 0;
        while at + DEPTH <= rows {
            let group: [&[T]; DEPTH] = std::array::from_fn(|d| row(at + d));
            for (j, a) in acc.iter_mut().enumerate() {
                let mut value = *a;
                for part in group {
                    value = f(value, part[j]);
                }
                *a = value;
            }
            at += DEPTH;
        }
        for r in at..rows {
            for (a, v) in acc.iter_mut().zip(row(r)) {
                *a = f(*a, *v);
            }
        }
    }
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
                let got = dispatch_on(isa, Run(&x, |a: f32, b: f32| a + b, Fold::Sum));
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

    #[test]
    fn columns_are_folded_by_blocks_of_rows() {
        for (rows, n) in [(1, 3), (7, 1), (64, 10), (65, 300), (200, 7), (130, 257)] {
            let x = sample(rows * n);
            let mut out = vec![0.0; n];
            fold_columns(Fold::Sum, &x, n, &mut out);
            for (j, got) in out.iter().enumerate() {
                let block = |b: &[f32]| b.iter().skip(j).step_by(n).copied().reduce(|a, v| a + v);
                let expected = x.chunks(ROWS * n).filter_map(block).reduce(|a, v| a + v);
                assert_eq!(Some(*got), expected, "({rows}, {n}) column {j}");
            }
        }
    }
}
