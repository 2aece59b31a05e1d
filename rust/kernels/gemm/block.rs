//! The loops around the tiles.

use super::micro::{Element, Kernels, Tile};
use super::pack::{pack_a, pack_b, with_scratch, PANEL, STRIP};
use super::plan::Plan;
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

/// Room for packed A, which all tasks of a region share.
struct Packed<T>(*mut T);

// SAFETY: an address only. Tasks write disjoint parts, and read what others wrote in a later region.
unsafe impl<T> Sync for Packed<T> {}

impl<T> Packed<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}

/// A part of one panel's work: strips of rows by columns.
struct Task<'a, T> {
    strips: Range<usize>,
    cols: Range<usize>,
    depth: Range<usize>,
    /// Packed A of this panel, or null where A is read in place.
    panel: *const T,
    plan: &'a Plan,
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
    pub fn run(&self, kernels: &Kernels<T>, finish: &(dyn Fn(Block<'_, T>) + Sync)) {
        if self.k == 0 {
            return self.run_empty(finish);
        }
        let plan = &Plan::new(self, kernels);
        with_scratch(&PANEL, |scratch| {
            let longest = self.k.div_ceil(plan.panels);
            let room = if plan.pack_a { self.m * longest } else { 0 };
            let packed = Packed(scratch.reserve::<T>(room));
            for i in 0..plan.panels {
                let depth = plan.panel(i);
                if plan.pack_a {
                    self.pack_panel(kernels, plan, &depth, &packed);
                }
                let last = i + 1 == plan.panels;
                let tasks = 0..plan.row_blocks * plan.col_blocks;
                share(tasks.into_par_iter(), |t| {
                    let (r, c) = (t % plan.row_blocks, t / plan.row_blocks);
                    let task = Task {
                        strips: plan.row_block(r),
                        cols: plan.col_block(c),
                        depth: depth.clone(),
                        panel: if plan.pack_a {
                            packed.get()
                        } else {
                            std::ptr::null()
                        },
                        plan,
                    };
                    // SAFETY: tasks cover C without overlap; A is packed by now.
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

    fn pack_panel(
        &self,
        kernels: &Kernels<T>,
        plan: &Plan,
        depth: &Range<usize>,
        packed: &Packed<T>,
    ) {
        let pack = |strip: usize| {
            let rows = plan.rows(strip);
            // SAFETY: strips lie one behind the other, `rows * depth` elements each.
            unsafe {
                let to = packed.get().add(rows.start * depth.len());
                pack_a(self, kernels, rows, depth.clone(), to);
            }
        };
        let grain = (32_000 / (depth.len() * self.m.div_ceil(plan.row_strips))).max(1);
        let tasks = 0..plan.row_strips.div_ceil(grain);
        share(tasks.into_par_iter(), |t| {
            (t * grain..plan.row_strips.min((t + 1) * grain)).for_each(pack);
        });
    }

    /// # Safety
    /// No other thread works on this part of C; `task.panel` is packed, or A can be read in place.
    unsafe fn run_task(&self, kernels: &Kernels<T>, task: &Task<'_, T>) {
        let lanes = kernels.lanes;
        let heights = task.plan.rows(task.strips.start).len();
        let by_columns = !task.panel.is_null() || self.a_rs == 1;
        let single = task.strips.len() == 1 && by_columns;
        let widest = match () {
            () if single && heights <= kernels.wide[1].len() => 8,
            () if single && heights <= kernels.wide[0].len() => 4,
            () => 2,
        };
        with_scratch(&STRIP, |scratch| {
            let strip = scratch.reserve::<T>(task.depth.len() * widest * lanes);
            let mut j = task.cols.start;
            while j < task.cols.end {
                let left = (task.cols.end - j).div_ceil(lanes);
                let vectors = [8, 4, 2, 1]
                    .into_iter()
                    .find(|v| *v <= left.min(widest))
                    .unwrap_or(1);
                let end = task.cols.end.min(j + vectors * lanes);
                // SAFETY: the strip of B has room; the caller's promise.
                unsafe { self.run_strip(kernels, task, j..end, vectors, strip) };
                j = end;
            }
        });
    }

    /// # Safety
    /// As [`Problem::run_task`]; `strip` has room for the depth by `vectors` vectors.
    unsafe fn run_strip(
        &self,
        kernels: &Kernels<T>,
        task: &Task<'_, T>,
        cols: Range<usize>,
        vectors: usize,
        strip: *mut T,
    ) {
        let depth = &task.depth;
        let width = vectors * kernels.lanes;
        let packed = self.b_cs != 1;
        let copy = task.plan.copy_b && !packed && vectors == 2 && task.strips.len() > 2;
        // SAFETY: all pointers stay inside A, B, C and the scratch; the table's tiles belong to an
        // instruction set that this machine has.
        unsafe {
            if packed {
                pack_b(self, kernels, depth.clone(), cols.clone(), strip, width);
            }
            let by_columns = !task.panel.is_null() || self.a_rs == 1;
            for s in task.strips.clone() {
                let rows = task.plan.rows(s);
                let height = rows.len();
                let first = s == task.strips.start;
                let from_strip = packed || (copy && !first);
                let (a, a_stride) = if !task.panel.is_null() {
                    (task.panel.add(rows.start * depth.len()), height)
                } else {
                    let a = self.a.add(rows.start * self.a_rs + depth.start * self.a_cs);
                    (a, if by_columns { self.a_cs } else { self.a_rs })
                };
                let tile = match vectors {
                    8 => kernels.wide[1],
                    4 => kernels.wide[0],
                    _ if copy && first => kernels.copying[usize::from(by_columns)],
                    _ if by_columns => kernels.by_columns[vectors - 1],
                    _ => kernels.by_rows[vectors - 1],
                }[height - 1];
                tile(&Tile {
                    k: depth.len(),
                    a,
                    a_stride,
                    b: if from_strip {
                        strip
                    } else {
                        self.b.add(depth.start * self.b_rs + cols.start)
                    },
                    b_stride: if from_strip { width } else { self.b_rs },
                    c: self.c.add(rows.start * self.c_rs + cols.start),
                    c_stride: self.c_rs,
                    last: cols.len() - (vectors - 1) * kernels.lanes,
                    accumulate: self.accumulate || depth.start > 0,
                    copy: strip,
                });
            }
        }
    }
}
