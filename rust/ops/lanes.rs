//! Lanes: the 1-d runs of a tensor along one axis, gathered where they are strided.

use crate::dtype::Scalar;
use crate::kernels::threads::parallel_for;
use crate::memory::room;
use std::sync::Mutex;

/// `(outer, n, inner)`: the sizes before, at and after an axis.
pub fn split(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (
        shape[..axis].iter().product(),
        shape[axis],
        shape[axis + 1..].iter().product(),
    )
}

/// Elements under which one thread does all lanes.
const PARALLEL_LEN: usize = 1 << 15;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 13;

/// As [`map_lanes`] with lanes of one length in and out, but `f` gets several contiguous lanes at once
/// where they lie one after the other.
pub fn map_rows<T: Scalar>(
    x: &[T],
    out: &mut [T],
    (outer, n, inner): (usize, usize, usize),
    f: impl Fn(&[T], &mut [T]) + Sync,
) {
    if inner != 1 || n == 0 {
        return map_lanes(x, out, (outer, n, inner), n, f);
    }
    let per_task = (TASK_LEN / n).max(1);
    let blocks: Vec<Mutex<&mut [T]>> = out.chunks_mut(per_task * n).map(Mutex::new).collect();
    let task = |t: usize| {
        let mut block = blocks[t].lock().unwrap_or_else(|e| e.into_inner());
        let start = t * per_task * n;
        let end = start + block.len();
        f(&x[start..end], &mut block);
    };
    if outer * n < PARALLEL_LEN {
        (0..blocks.len()).for_each(task);
    } else {
        parallel_for(blocks.len(), &task);
    }
}

/// Calls `f(lane of x, lane of out)` for every lane along `axis`; both have the given lengths there
/// and agree on the other axes.
pub fn map_lanes<A: Scalar, B: Scalar>(
    x: &[A],
    out: &mut [B],
    (outer, n, inner): (usize, usize, usize),
    out_n: usize,
    f: impl Fn(&[A], &mut [B]) + Sync,
) {
    if outer * inner == 0 || n * out_n == 0 {
        return;
    }
    let per_task = (TASK_LEN / (n * inner)).max(1);
    let blocks: Vec<Mutex<&mut [B]>> = out
        .chunks_mut(per_task * out_n * inner)
        .map(Mutex::new)
        .collect();
    let task = |t: usize| {
        let mut block = blocks[t].lock().unwrap_or_else(|e| e.into_inner());
        let x = &x[t * per_task * n * inner..];
        for (o, rows) in block.chunks_mut(out_n * inner).enumerate() {
            let x = &x[o * n * inner..(o + 1) * n * inner];
            if inner == 1 {
                f(x, rows);
                continue;
            }
            let mut lane = room(A::default(), n);
            let mut result = room(B::default(), out_n);
            for i in 0..inner {
                (0..n).for_each(|k| lane[k] = x[k * inner + i]);
                f(&lane, &mut result);
                (0..out_n).for_each(|k| rows[k * inner + i] = result[k]);
            }
        }
    };
    if outer * n * inner < PARALLEL_LEN {
        (0..blocks.len()).for_each(task);
    } else {
        parallel_for(blocks.len(), &task);
    }
}
