//! Runs of whole rows of an array, written in parallel.

use super::threads::parallel_for;
use std::sync::Mutex;

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
    if out.is_empty() {
        return;
    }
    let blocks: Vec<_> = out.chunks_mut(len).map(Mutex::new).collect();
    parallel_for(blocks.len(), &|i| {
        let mut block = blocks[i].lock().unwrap_or_else(|e| e.into_inner());
        f(i, &mut block);
    });
}
