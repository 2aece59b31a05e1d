//! Lanes: the 1-d runs of a tensor along one axis, gathered where they are strided.

use crate::dtype::Scalar;
use crate::kernels::region::{share_if, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use crate::memory::room;

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
    let step = (TASK_LEN / n).max(1) * n;
    let tasks = x.par_chunks(step).zip(out.par_chunks_mut(step));
    share_if(outer * n >= PARALLEL_LEN, tasks, |(x, out)| f(x, out));
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
    let blocks = x.par_chunks(per_task * n * inner);
    let tasks = blocks.zip(out.par_chunks_mut(per_task * out_n * inner));
    share_if(outer * n * inner >= PARALLEL_LEN, tasks, |(x, out)| {
        for (x, rows) in x.chunks(n * inner).zip(out.chunks_mut(out_n * inner)) {
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
    });
}
