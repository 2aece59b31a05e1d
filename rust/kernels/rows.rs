//! Runs of whole rows of an array, written in parallel.

use super::region::{share, IndexedParallelIterator, ParallelSliceMut};

/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 14;

/// Calls `f(first, rows)` on runs of whole rows of `width` elements; `first` is the first row's
/// number. The runs are cut by shape.
pub fn parallel_rows<T: Send>(out: &mut [T], width: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let rows = (TASK_LEN / width.max(1)).max(1);
    parallel_blocks(out, rows * width, |block, out| f(block * rows, out));
}

/// Calls `f(i, block)` on the blocks of `len` elements, the last one perhaps shorter.
pub fn parallel_blocks<T: Send>(out: &mut [T], len: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if !out.is_empty() {
        share(out.par_chunks_mut(len).enumerate(), |(i, block)| {
            f(i, block)
        });
    }
}
