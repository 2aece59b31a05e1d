//! The loops around the tiles.

use super::micro::{Element, Kernels, Tile};
use super::pack::{pack_b, with_scratch, Chunk, Panel, PACKED, STRIP};
use super::plan::{Blocking, PackB, Plan};
use super::{Block, Mat, MatMut};
use crate::kernels::region::{share, IntoParallelIterator};
use std::marker::PhantomData;
use std::ops::Range;

/// `C (m, n) = [C +] A (m, k) @ B (k, n)`, as pointers and strides.
pub(super) struct Problem<'a, T> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: *const T,
    pub a_rs: usize,
    pub a_cs: usize,
    pub b: *const T,
    pub b_rs: usize,
    pub b_cs: usize,
    c: *mut T,
    c_rs: usize,
    accumulate: bool,
    /// Whether this is the transposed product, `C^T = B^T @ A^T`.
    transposed: bool,
    borrow: PhantomData<(&'a [T], &'a mut [T])>,
}

// SAFETY: A and B are only read; C is written in blocks that do not overlap, one thread each.
unsafe impl<T: Send + Sync> Sync for Problem<'_, T> {}

/// A block of C, and what of the sums this chunk of panels adds to it.
struct Task<'a, T> {
    strips: Range<usize>,
    cols: Range<usize>,
    chunk: &'a Chunk<'a, T>,
}

impl<'a, T: Element> Problem<'a, T> {
    /// The shapes fit, and C is not empty.
    pub fn new(a: Mat<'a, T>, b: Mat<'a, T>, c: MatMut<'a, T>, accumulate: bool) -> Self {
        // One column of C as one row, where its elements are neighbours: whole vectors of them.
        let transposed = c.cols == 1 && c.rows > 1 && c.row_stride == 1;
        let (a, b, rows, cols) = if transposed {
            (b.t(), a.t(), 1, c.rows)
        } else {
            (a, b, c.rows, c.cols)
        };
        // A stride along a side of length one is free to choose.
        let free = |n: usize, stride: usize| if n == 1 { 1 } else { stride };
        Problem {
            m: rows,
            n: cols,
            k: a.cols,
            a: a.data.as_ptr(),
            a_rs: free(rows, a.row_stride),
            a_cs: free(a.cols, a.col_stride),
            b: b.data.as_ptr(),
            b_rs: free(a.cols, b.row_stride),
            b_cs: free(cols, b.col_stride),
            c: c.data.as_mut_ptr(),
            c_rs: c.row_stride,
            accumulate,
            transposed,
            borrow: PhantomData,
        }
    }

    /// The whole product, then `finish` on blocks of C.
    pub fn run(
        &self,
        kernels: &Kernels<T>,
        blocking: &Blocking,
        finish: &(dyn Fn(Block<'_, T>) + Sync),
    ) {
        if self.k == 0 {
            return self.run_empty(finish);
        }
        let plan = &Plan::new(self, kernels, blocking);
        with_scratch(&PACKED, |scratch| {
            for first in (0..plan.panels).step_by(plan.chunk) {
                let chunk = &Chunk::new(plan, first, scratch);
                chunk.pack(self, kernels);
                let last = chunk.panels.end == plan.panels;
                let tasks = 0..plan.row_blocks * plan.col_blocks;
                share(tasks.into_par_iter(), |t| {
                    let (r, c) = (t / plan.col_blocks, t % plan.col_blocks);
                    let task = Task {
                        strips: plan.row_block(r),
                        cols: plan.col_block(c),
                        chunk,
                    };
                    // SAFETY: tasks cover C without overlap; the chunk is packed by now.
                    unsafe { self.run_task(kernels, &task) };
                    if last {
                        let rows =
                            plan.rows(task.strips.start).start..plan.rows(task.strips.end - 1).end;
                        finish(self.block(rows, task.cols));
                    }
                });
            }
        });
    }

    /// k = 0: a sum of nothing.
    fn run_empty(&self, finish: &(dyn Fn(Block<'_, T>) + Sync)) {
        let mut block = self.block(0..self.m, 0..self.n);
        if !self.accumulate {
            for i in 0..block.rows {
                block.row_mut(i).fill(T::ZERO);
            }
        }
        finish(block);
    }

    fn block(&self, rows: Range<usize>, cols: Range<usize>) -> Block<'_, T> {
        // SAFETY: rows and cols lie in C.
        let data = unsafe { self.c.add(rows.start * self.c_rs + cols.start) };
        let (rows, cols, row_stride) = if self.transposed {
            (cols, rows, 1)
        } else {
            (rows, cols, self.c_rs)
        };
        Block {
            row: rows.start,
            col: cols.start,
            rows: rows.len(),
            cols: cols.len(),
            data,
            row_stride,
            borrow: PhantomData,
        }
    }

    /// # Safety
    /// No other thread works on this part of C; the chunk is packed.
    unsafe fn run_task(&self, kernels: &Kernels<T>, task: &Task<'_, T>) {
        let (plan, lanes) = (task.chunk.plan, kernels.lanes);
        let heights = plan.rows(task.strips.start).len();
        let single = task.strips.len() == 1 && (plan.pack_a || self.a_rs == 1);
        let widest = match plan.widest {
            8.. if single && heights <= kernels.wide[1].len() => 8,
            4.. if single && heights <= kernels.wide[0].len() => 4,
            _ => 2,
        };
        with_scratch(&STRIP, |scratch| {
            let strip = scratch.reserve::<T>(plan.depth() * widest * lanes);
            let run_strips = |panels: &[Panel<T>]| {
                let mut j = task.cols.start;
                while j < task.cols.end {
                    let left = task.cols.end - j;
                    // One and two vectors may be partly filled; wide tiles are whole.
                    let vectors = match left {
                        _ if widest == 8 && left >= 8 * lanes => 8,
                        _ if widest >= 4 && left >= 4 * lanes => 4,
                        _ if left > lanes => 2,
                        _ => 1,
                    };
                    let end = task.cols.end.min(j + vectors * lanes);
                    for panel in panels {
                        // SAFETY: the strip of B has room; the caller's promise.
                        unsafe { self.run_strip(kernels, task, panel, j..end, vectors, strip) };
                    }
                    j = end;
                }
            };
            let panels = task.chunk.panels.clone().map(|i| task.chunk.panel(i));
            if plan.strips_first {
                run_strips(&panels.collect::<Vec<_>>());
            } else {
                panels.for_each(|panel| run_strips(&[panel]));
            }
        });
    }

    /// # Safety
    /// As [`Problem::run_task`]; `strip` has room for the depth by `vectors` vectors.
    unsafe fn run_strip(
        &self,
        kernels: &Kernels<T>,
        task: &Task<'_, T>,
        panel: &Panel<T>,
        cols: Range<usize>,
        vectors: usize,
        strip: *mut T,
    ) {
        let (plan, depth) = (task.chunk.plan, &panel.depth);
        let width = vectors * kernels.lanes;
        // SAFETY: all pointers stay inside A, B, C and the scratch; the table's tiles belong to an
        // instruction set that this machine has.
        unsafe {
            let in_place = self
                .b
                .wrapping_add(depth.start * self.b_rs + cols.start * self.b_cs);
            let whole = cols.len() == width;
            // `copy`: the first tile reads B in place, and leaves it packed for the others.
            let (mut b, mut b_stride, mut copy) = match plan.pack_b {
                PackB::Ahead => (
                    panel.b(cols.start).cast_const(),
                    plan.packed_widths().0,
                    false,
                ),
                PackB::ByStrip if self.b_cs != 1 => {
                    pack_b(self, kernels, depth.clone(), cols.clone(), strip, width);
                    (strip.cast_const(), width, false)
                }
                PackB::ByStrip => (in_place, self.b_rs, true),
                PackB::InPlace => (in_place, self.b_rs, !whole),
            };
            let by_columns = plan.pack_a || self.a_rs == 1;
            for s in task.strips.clone() {
                let rows = plan.rows(s);
                let height = rows.len();
                let (a, a_stride) = if plan.pack_a {
                    (panel.a(rows.start).cast_const(), height)
                } else {
                    let a = self.a.add(rows.start * self.a_rs + depth.start * self.a_cs);
                    (a, if by_columns { self.a_cs } else { self.a_rs })
                };
                let tile = match vectors {
                    8 => kernels.wide[1],
                    4 => kernels.wide[0],
                    _ if copy && by_columns => kernels.copying_by_columns[vectors - 1],
                    _ if copy => kernels.copying_by_rows[vectors - 1],
                    _ if by_columns => kernels.by_columns[vectors - 1],
                    _ => kernels.by_rows[vectors - 1],
                }[height - 1];
                tile(&Tile {
                    k: depth.len(),
                    a,
                    a_stride,
                    b,
                    b_stride,
                    c: self.c.add(rows.start * self.c_rs + cols.start),
                    c_stride: self.c_rs,
                    last: cols.len() - (vectors - 1) * kernels.lanes,
                    accumulate: self.accumulate || depth.start > 0,
                    copy: strip,
                });
                if copy {
                    (b, b_stride, copy) = (strip, width, false);
                }
            }
        }
    }
}
