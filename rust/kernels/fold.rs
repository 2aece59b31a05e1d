//! Reductions of contiguous runs and of columns, in an order that depends on the shape alone.
//!
//! A run is folded in 32 virtual lanes (element `i` into lane `i % 32`), which are then combined as a
//! binary tree; runs longer than [`RUN`] are folded piece by piece and the pieces folded again. Columns
//! are folded down blocks of [`ROWS`] rows, whose results are folded in order. So sums lose little
//! and neither threads nor vector width change a bit.

use super::isa::{dispatch, Kernel};
use super::number::Number;
use super::threads::parallel_for;
use std::sync::Mutex;

const LANES: usize = 32;
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
        let whole = x.len() / LANES * LANES;
        let mut at = 0;
        while at < whole {
            let block: &[T; LANES] = x[at..at + LANES].try_into().expect("a block of lanes");
            for l in 0..LANES {
                lanes[l] = f(lanes[l], block[l]);
            }
            at += LANES;
        }
        for (lane, v) in lanes.iter_mut().zip(&x[whole..]) {
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
            block.copy_from_slice(&x[row * n + from..row * n + from + out.len()]);
            for r in row + 1..end {
                fold_into(f, &x[r * n + from..r * n + from + block.len()], &mut block);
            }
            if first {
                out.copy_from_slice(&block);
            } else {
                fold_into(f, &block, &mut out);
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

/// `acc[i] = acc[i] f x[i]`.
fn fold_into<T: Number>(f: Fold, x: &[T], acc: &mut [T]) {
    match f {
        Fold::Sum => dispatch(Into(
            x,
            acc,
            #[inline(always)]
            |a: T, b: T| a.add(b),
        )),
        Fold::Prod => dispatch(Into(
            x,
            acc,
            #[inline(always)]
            |a: T, b: T| a.mul(b),
        )),
        Fold::Max => dispatch(Into(
            x,
            acc,
            #[inline(always)]
            |a: T, b: T| a.maximum(b),
        )),
        Fold::Min => dispatch(Into(
            x,
            acc,
            #[inline(always)]
            |a: T, b: T| a.minimum(b),
        )),
    }
}

struct Into<'a, T, F>(&'a [T], &'a mut [T], F);

impl<T: Number, F: Fn(T, T) -> T> Kernel for Into<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Into(x, acc, f) = self;
        for (a, v) in acc.iter_mut().zip(x) {
            *a = f(*a, *v);
        }
    }
}
