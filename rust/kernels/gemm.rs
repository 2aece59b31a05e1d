//! `C = A @ B`, or `C += A @ B`: any strides, any shape, f32 and f64, with what follows applied
//! while C is still in cache.
//!
//! **The same bits**: every element of C is one chain of fused multiply-adds,
//! `c = fma(a[i, p], b[p, j], c)` for p = 0, 1, ..., k - 1, from zero or from the C that was
//! there. Panels of k continue the chain from C; threads share out blocks of C. So neither the
//! tiles, nor the panels, nor the threads, nor the instruction set change a bit of the result.
//!
//! The order of work follows K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix
//! Multiplication", ACM Trans. Math. Softw. 34 (2008): k is cut into panels, of which some are packed at
//! a time where that pays; each task then takes a block of C and, panel after panel, goes down the rows
//! for each strip of its columns. Rows of B that lie close enough are read in place, which measured
//! faster than any copy.

mod block;
mod micro;
mod pack;
mod plan;
mod turn;

#[cfg(test)]
mod tests;

pub use micro::Element;
pub use turn::transpose;

use super::isa::{dispatch, isa, Isa, Loop};
use block::Problem;
use plan::Blocking;

/// A matrix to read: element `(i, j)` at `i * row_stride + j * col_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> Mat<'a, T> {
    /// # Panics
    /// An element would lie outside `data`.
    pub fn new(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        check_extent(data.len(), rows, cols, row_stride, col_stride);
        Mat {
            data,
            rows,
            cols,
            row_stride,
            col_stride,
        }
    }

    /// A matrix stored row after row.
    ///
    /// # Panics
    /// `data` is too short.
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Self {
        Mat::new(data, rows, cols, cols, 1)
    }

    /// Rows and columns exchanged; the same memory.
    pub fn t(self) -> Self {
        Mat {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// A matrix to write: element `(i, j)` at `i * row_stride + j`.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

impl<'a, T> MatMut<'a, T> {
    /// # Panics
    /// An element would lie outside `data`, or rows would overlap.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize, row_stride: usize) -> Self {
        check_extent(data.len(), rows, cols, row_stride, 1);
        assert!(
            rows <= 1 || row_stride >= cols,
            "gemm: expected rows of C apart, got {cols} columns at a row stride of {row_stride}"
        );
        MatMut {
            data,
            rows,
            cols,
            row_stride,
        }
    }

    /// A matrix stored row after row.
    ///
    /// # Panics
    /// `data` is too short.
    pub fn row_major(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        MatMut::new(data, rows, cols, cols)
    }
}

fn check_extent(len: usize, rows: usize, cols: usize, row_stride: usize, col_stride: usize) {
    let last = |n: usize, stride: usize| n.saturating_sub(1).checked_mul(stride);
    let extent = match (last(rows, row_stride), last(cols, col_stride)) {
        _ if rows == 0 || cols == 0 => Some(0),
        (Some(i), Some(j)) => i.checked_add(j).and_then(|e| e.checked_add(1)),
        _ => None,
    };
    assert!(
        extent.is_some_and(|e| e <= len),
        "gemm: expected {extent:?} elements for a ({rows}, {cols}) matrix of strides \
         ({row_stride}, {col_stride}), got {len}"
    );
}

/// A finished block of C: its place, and its rows to read and write.
#[derive(Debug)]
pub struct Block<'a, T> {
    /// Row of C of the block's first row.
    pub row: usize,
    /// Column of C of the block's first column.
    pub col: usize,
    /// Rows of the block.
    pub rows: usize,
    /// Columns of the block.
    pub cols: usize,
    data: *mut T,
    row_stride: usize,
    borrow: std::marker::PhantomData<&'a mut T>,
}

impl<T> Block<'_, T> {
    /// Row `i` of the block: columns `col..col + cols` of row `row + i` of C.
    ///
    /// # Panics
    /// `i >= rows`.
    #[inline(always)]
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        assert!(i < self.rows);
        // SAFETY: the block is this task's own part of C, in bounds, and borrowed through `self`.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(i * self.row_stride), self.cols) }
    }
}

/// What follows the product: a bias, an activation. Called once for every element of C, on blocks
/// that tile C, from any thread. It must treat each element by its place alone, since the blocks
/// are the kernel's choice.
///
/// With `#[inline(always)]` on `apply` (and on all that it calls) it is compiled for the
/// instruction set in use, as by [`dispatch`].
pub trait Epilogue<T>: Sync {
    /// Whether there is anything to apply.
    const SOME: bool = true;
    fn apply(&self, block: Block<'_, T>);
}

/// Nothing follows.
#[derive(Clone, Copy, Debug)]
pub struct NoEpilogue;

impl<T> Epilogue<T> for NoEpilogue {
    const SOME: bool = false;
    #[inline(always)]
    fn apply(&self, _: Block<'_, T>) {}
}

/// `C = A @ B` (`C += A @ B` with `accumulate`), then the epilogue. Uses the threads of
/// [`super::threads`] where the work is worth them. C is read only with `accumulate`.
///
/// # Panics
/// The shapes do not fit: `(m, k) @ (k, n) -> (m, n)`.
pub fn gemm<T: Element, E: Epilogue<T>>(
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    c: MatMut<'_, T>,
    accumulate: bool,
    epilogue: &E,
) {
    let isa = isa();
    gemm_on((isa, &Blocking::of(isa)), a, b, c, accumulate, epilogue);
}

fn gemm_on<T: Element, E: Epilogue<T>>(
    (isa, blocking): (Isa, &Blocking),
    a: Mat<'_, T>,
    b: Mat<'_, T>,
    c: MatMut<'_, T>,
    accumulate: bool,
    epilogue: &E,
) {
    assert!(
        a.cols == b.rows && a.rows == c.rows && b.cols == c.cols,
        "gemm: expected (m, k) @ (k, n) -> (m, n), got ({}, {}) @ ({}, {}) -> ({}, {})",
        a.rows,
        a.cols,
        b.rows,
        b.cols,
        c.rows,
        c.cols
    );
    if c.rows == 0 || c.cols == 0 {
        return;
    }
    let finish = |block: Block<'_, T>| {
        if E::SOME {
            dispatch(Finish { epilogue, block });
        }
    };
    Problem::new(a, b, c, accumulate).run(T::kernels(isa), blocking, &finish);
}

struct Finish<'e, 'a, E, T> {
    epilogue: &'e E,
    block: Block<'a, T>,
}

impl<T, E: Epilogue<T>> Loop for Finish<'_, '_, E, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        self.epilogue.apply(self.block);
    }
}
