//! Copies of A and B in the order in which the tiles read them, and the memory they lie in.

use super::block::Problem;
use super::micro::Kernels;
use crate::error::{unwind, OutOfMemory};
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
    /// Packed A, which the tasks of a region share.
    pub(super) static PANEL: Cell<Scratch> = const { Cell::new(Scratch::EMPTY) };
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

/// `to[p, i] = a[rows.start + i, depth.start + p]`, `rows.len()` elements for each p.
///
/// # Safety
/// `to` has room for all of it.
pub(super) unsafe fn pack_a<T: Copy>(
    problem: &Problem<T>,
    kernels: &Kernels<T>,
    rows: Range<usize>,
    depth: Range<usize>,
    to: *mut T,
) {
    let (height, k) = (rows.len(), depth.len());
    // SAFETY: rows and depth lie in A, and the caller's promise.
    unsafe {
        let a = problem
            .a
            .add(rows.start * problem.a_rs + depth.start * problem.a_cs);
        transposed_copy(
            kernels,
            a,
            problem.a_rs,
            problem.a_cs,
            height,
            k,
            to,
            height,
        );
    }
}

/// `to[p, j] = b[depth.start + p, cols.start + j]`, `to_stride` elements for each p.
///
/// # Safety
/// `to` has room for all of it.
pub(super) unsafe fn pack_b<T: Copy>(
    problem: &Problem<T>,
    kernels: &Kernels<T>,
    depth: Range<usize>,
    cols: Range<usize>,
    to: *mut T,
    to_stride: usize,
) {
    let (width, k) = (cols.len(), depth.len());
    // SAFETY: cols and depth lie in B, and the caller's promise.
    unsafe {
        let b = problem
            .b
            .add(depth.start * problem.b_rs + cols.start * problem.b_cs);
        transposed_copy(
            kernels,
            b,
            problem.b_cs,
            problem.b_rs,
            width,
            k,
            to,
            to_stride,
        );
    }
}

/// `to[p * to_stride + i] = from[i * major + p * minor]` for i in `0..count` and p in `0..k`.
///
/// # Safety
/// All of these are readable and writable, and the machine has the kernels' instruction set.
#[allow(clippy::too_many_arguments)]
unsafe fn transposed_copy<T: Copy>(
    kernels: &Kernels<T>,
    from: *const T,
    major: usize,
    minor: usize,
    count: usize,
    k: usize,
    to: *mut T,
    to_stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if minor == 1 {
            for i in (0..count).step_by(kernels.lanes) {
                let rows = kernels.lanes.min(count - i);
                (kernels.transpose)(from.add(i * major), major, rows, k, to.add(i), to_stride);
            }
        } else if major == 1 {
            for p in 0..k {
                std::ptr::copy_nonoverlapping(from.add(p * minor), to.add(p * to_stride), count);
            }
        } else {
            for p in 0..k {
                for i in 0..count {
                    *to.add(p * to_stride + i) = *from.add(i * major + p * minor);
                }
            }
        }
    }
}
