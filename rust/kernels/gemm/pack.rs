//! Copies of A and B in the order in which the tiles read them, and the memory they lie in.

use super::block::Problem;
use super::micro::{Element, Kernels};
use super::plan::Plan;
use crate::error::{unwind, OutOfMemory};
use crate::kernels::region::{share, IntoParallelIterator};
use std::alloc::{alloc, dealloc, Layout};
use std::cell::Cell;
use std::ops::Range;
use std::ptr::{null_mut, NonNull};
use std::thread::LocalKey;

/// Memory of one thread that grows to the largest use and stays.
pub(super) struct Scratch {
    data: *mut u8,
    bytes: usize,
}

impl Scratch {
    const EMPTY: Scratch = Scratch {
        data: null_mut(),
        bytes: 0,
    };

    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, 128).ok()
    }

    /// Room for `len` elements, uninitialised. Unwinds where there is none.
    pub fn reserve<T>(&mut self, len: usize) -> *mut T {
        let bytes = len.saturating_mul(size_of::<T>());
        if bytes > self.bytes {
            *self = Scratch::EMPTY;
            let rounded = bytes.checked_next_power_of_two().unwrap_or(bytes);
            let layout = Scratch::layout(rounded);
            // SAFETY: the size is not zero.
            let data = layout.and_then(|layout| NonNull::new(unsafe { alloc(layout) }));
            let Some(data) = data else {
                unwind(OutOfMemory {
                    bytes,
                    available: None,
                })
            };
            self.data = data.as_ptr();
            self.bytes = rounded;
        }
        self.data.cast()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let (1.., Some(layout)) = (self.bytes, Scratch::layout(self.bytes)) {
            // SAFETY: allocated with this layout, once.
            unsafe { dealloc(self.data, layout) }
        }
    }
}

thread_local! {
    /// The packed chunk, which the tasks of a region share.
    pub(super) static PACKED: Cell<Scratch> = const { Cell::new(Scratch::EMPTY) };
    /// The packed strip of B that one task works on.
    pub(super) static STRIP: Cell<Scratch> = const { Cell::new(Scratch::EMPTY) };
}

/// Lends this thread's scratch. A call inside finds it empty and makes its own.
pub(super) fn with_scratch<R>(
    scratch: &'static LocalKey<Cell<Scratch>>,
    f: impl FnOnce(&mut Scratch) -> R,
) -> R {
    let mut lent = scratch.replace(Scratch::EMPTY);
    let out = f(&mut lent);
    scratch.set(lent);
    out
}

/// Rows of B that are packed at a time, strip after strip: their pages are looked up once.
const PACK_ROWS: usize = 16;
/// Elements whose packing is worth a task.
const PACK_TASK: usize = 32_000;

/// Panels that are packed together, once: strips of B, whole vectors each, and strips of A.
pub(super) struct Chunk<'p, T> {
    pub plan: &'p Plan,
    pub panels: Range<usize>,
    depth: Range<usize>,
    room: *mut T,
}

/// A panel of k, and where its packed strips begin.
pub(super) struct Panel<T> {
    pub depth: Range<usize>,
    a: *mut T,
    b: *mut T,
}

// SAFETY: tasks write disjoint parts, and read what others wrote in a later region.
unsafe impl<T: Send + Sync> Sync for Chunk<'_, T> {}

impl<T> Panel<T> {
    /// Packed A of the strip that begins with this row: its rows for each p.
    pub fn a(&self, row: usize) -> *mut T {
        self.a.wrapping_add(row * self.depth.len())
    }

    /// Packed B of the strip that begins with this column: its columns for each p.
    pub fn b(&self, col: usize) -> *mut T {
        self.b.wrapping_add(col * self.depth.len())
    }
}

impl<'p, T: Element> Chunk<'p, T> {
    /// Room for the panels from `first` on.
    pub fn new(plan: &'p Plan, first: usize, scratch: &mut Scratch) -> Self {
        let panels = first..plan.panels.min(first + plan.chunk);
        let depth = plan.panel_start(first)..plan.panel_start(panels.end);
        let rows = if plan.pack_a { plan.m } else { 0 };
        let room = scratch.reserve((plan.packed_widths().1 + rows) * depth.len());
        Chunk {
            plan,
            panels,
            depth,
            room,
        }
    }

    pub fn panel(&self, i: usize) -> Panel<T> {
        let depth = self.plan.panel_start(i)..self.plan.panel_start(i + 1);
        let before = depth.start - self.depth.start;
        let (_, width) = self.plan.packed_widths();
        let strips_of_a = self.room.wrapping_add(self.depth.len() * width);
        Panel {
            a: strips_of_a.wrapping_add(before * self.plan.m),
            b: self.room.wrapping_add(before * width),
            depth,
        }
    }

    /// Packs what the plan says.
    pub fn pack(&self, problem: &Problem<'_, T>, kernels: &Kernels<T>) {
        let plan = self.plan;
        let (strip, width) = plan.packed_widths();
        let strips_of_a = (PACK_TASK / (plan.depth() * plan.m.div_ceil(plan.row_strips))).max(1);
        let tasks_of_a = if plan.pack_a {
            plan.row_strips.div_ceil(strips_of_a)
        } else {
            0
        };
        let tasks_of_b = match problem.b_cs {
            _ if width == 0 => 0,
            1 => plan.depth().div_ceil(PACK_ROWS),
            _ => plan.col_strips,
        };
        let tasks = tasks_of_a + tasks_of_b;
        if tasks == 0 {
            return;
        }
        share((0..tasks * self.panels.len()).into_par_iter(), |t| {
            let (panel, t) = (self.panel(self.panels.start + t / tasks), t % tasks);
            let depth = panel.depth.clone();
            // SAFETY: strips lie one behind the other; tasks write different parts of them.
            unsafe {
                if t < tasks_of_a {
                    let strips = t * strips_of_a..plan.row_strips.min((t + 1) * strips_of_a);
                    for rows in strips.map(|s| plan.rows(s)) {
                        let to = panel.a(rows.start);
                        pack_a(problem, kernels, rows, depth.clone(), to);
                    }
                } else if problem.b_cs == 1 {
                    let first = (t - tasks_of_a) * PACK_ROWS;
                    let start = depth.start + first;
                    let some = start..depth.end.min(start + PACK_ROWS);
                    for cols in (0..plan.col_strips).map(|s| plan.cols(s)) {
                        let to = panel.b(cols.start).add(first * strip);
                        pack_b(problem, kernels, some.clone(), cols, to, strip);
                    }
                } else {
                    let cols = plan.cols(t - tasks_of_a);
                    let to = panel.b(cols.start);
                    pack_b(problem, kernels, depth, cols, to, strip);
                }
            }
        });
    }
}

/// `to[p, i] = a[rows.start + i, depth.start + p]`, `rows.len()` elements for each p.
///
/// # Safety
/// `to` has room for all of it.
pub(super) unsafe fn pack_a<T: Element>(
    problem: &Problem<T>,
    kernels: &Kernels<T>,
    rows: Range<usize>,
    depth: Range<usize>,
    to: *mut T,
) {
    let (height, k) = (rows.len(), depth.len());
    let (rs, cs) = (problem.a_rs, problem.a_cs);
    // Whole vectors are stored as long as what lies behind their rows is stored later.
    let beyond = height.next_multiple_of(kernels.lanes) - height;
    let whole = k.saturating_sub(beyond.div_ceil(height));
    // SAFETY: rows and depth lie in A, and the caller's promise.
    unsafe {
        let a = problem.a.add(rows.start * rs + depth.start * cs);
        pack_vectors(kernels, a, (rs, cs), height, whole, to, height);
        for p in whole..k {
            for i in 0..height {
                *to.add(p * height + i) = *a.add(i * rs + p * cs);
            }
        }
    }
}

/// `to[p, j] = b[depth.start + p, cols.start + j]`, `to_stride` elements for each p, whole vectors with
/// zeros behind the columns.
///
/// # Safety
/// `to` has room for all of it.
pub(super) unsafe fn pack_b<T: Element>(
    problem: &Problem<T>,
    kernels: &Kernels<T>,
    depth: Range<usize>,
    cols: Range<usize>,
    to: *mut T,
    to_stride: usize,
) {
    let (rs, cs) = (problem.b_rs, problem.b_cs);
    // SAFETY: cols and depth lie in B, and the caller's promise.
    unsafe {
        let b = problem.b.add(depth.start * rs + cols.start * cs);
        let (width, k) = (cols.len(), depth.len());
        pack_vectors(kernels, b, (cs, rs), width, k, to, to_stride);
    }
}

/// `to[p * to_stride + i] = from[i * major + p * minor]` for i in `0..count` and p in `0..k`, in whole
/// vectors with zeros behind `count`; where they overlap, what belongs there is stored last.
///
/// # Safety
/// All of these are readable and writable, and the machine has the kernels' instruction set.
unsafe fn pack_vectors<T: Element>(
    kernels: &Kernels<T>,
    from: *const T,
    (major, minor): (usize, usize),
    count: usize,
    k: usize,
    to: *mut T,
    to_stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if minor == 1 {
            for i in (0..count).step_by(kernels.lanes).rev() {
                let rows = kernels.lanes.min(count - i);
                (kernels.transpose)(from.add(i * major), major, rows, k, to.add(i), to_stride);
            }
        } else if major == 1 {
            (kernels.copy)(from, minor, k, count, to, to_stride);
        } else {
            for p in 0..k {
                for i in 0..count.next_multiple_of(kernels.lanes) {
                    *to.add(p * to_stride + i) = if i < count {
                        *from.add(i * major + p * minor)
                    } else {
                        T::ZERO
                    };
                }
            }
        }
    }
}
