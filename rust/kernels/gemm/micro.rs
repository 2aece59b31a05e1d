//! The tiles: a few rows of C by a few vectors, held in registers over the whole depth.
//!
//! Every element of a tile is one chain of fused multiply-adds over k in order, so its bits do
//! not depend on the tile's size or on the instruction set.

use crate::kernels::isa::Isa;
use crate::kernels::vector::{Plain, Vector};

/// One tile: `c (rows, cols) = [c +] a (rows, k) @ b (k, cols)`.
pub(super) struct Tile<T> {
    pub k: usize,
    /// `a[i, p]` at `i * a_stride + p` where A is read by rows, `i + p * a_stride` by columns.
    pub a: *const T,
    pub a_stride: usize,
    /// `b[p, j]` at `p * b_stride + j`: whole vectors, but for the tiles that copy.
    pub b: *const T,
    pub b_stride: usize,
    pub c: *mut T,
    pub c_stride: usize,
    /// Columns in the last vector of a row of C.
    pub last: usize,
    /// Whether the chain begins with C, or with zero.
    pub accumulate: bool,
    /// Where the tiles that copy leave B: whole vectors, zeros behind the last column.
    pub copy: *mut T,
}

/// A tile of fixed rows and vectors.
pub(super) type TileFn<T> = unsafe fn(&Tile<T>);

/// A copy of rows and columns: [`copy_into`], [`transpose_into`].
pub(super) type CopyFn<T> = unsafe fn(*const T, usize, usize, usize, *mut T, usize);

/// What one instruction set has for one element type. Lists of tiles begin with one row.
pub(super) struct Kernels<T: 'static> {
    pub lanes: usize,
    /// Tiles of 1 and of 2 vectors that read A by rows.
    pub by_rows: [&'static [TileFn<T>]; 2],
    /// Tiles of 1 and of 2 vectors that read A by columns (packed A too).
    pub by_columns: [&'static [TileFn<T>]; 2],
    /// As `by_rows` and as `by_columns`, of any columns of B, which they copy.
    pub copying_by_rows: [&'static [TileFn<T>]; 2],
    pub copying_by_columns: [&'static [TileFn<T>]; 2],
    /// Tiles of 4 and of 8 vectors that read A by columns, for few rows.
    pub wide: [&'static [TileFn<T>]; 2],
    pub copy: CopyFn<T>,
    pub transpose: CopyFn<T>,
}

/// An element type of [`super::gemm`]: `f32` or `f64`.
pub trait Element: Copy + Send + Sync + 'static + private::Tiles {}
impl Element for f32 {}
impl Element for f64 {}

pub(super) mod private {
    use super::{Isa, Kernels};

    pub trait Tiles: Sized {
        const ZERO: Self;
        #[allow(private_interfaces)]
        fn kernels(isa: Isa) -> &'static Kernels<Self>;
    }
}

#[inline(always)]
unsafe fn tile<
    V: Vector,
    const MR: usize,
    const NV: usize,
    const BY_ROWS: bool,
    const COPY: bool,
>(
    t: &Tile<V::T>,
) {
    // SAFETY: the caller's promise: A, B and C hold the tile, `copy` holds k rows of NV vectors.
    unsafe {
        let (k, last) = (t.k, t.last);
        let mut acc = [[V::zero(); NV]; MR];
        if t.accumulate {
            for (i, row) in acc.iter_mut().enumerate() {
                let c = t.c.add(i * t.c_stride);
                for (j, v) in row.iter_mut().enumerate() {
                    let c = c.add(j * V::LANES);
                    *v = if j + 1 < NV {
                        V::load(c)
                    } else {
                        V::load_first(c, last)
                    };
                }
            }
        }
        let (mut a, mut b, mut copy) = (t.a, t.b, t.copy);
        for _ in 0..k {
            let mut vb = [V::zero(); NV];
            for (j, v) in vb.iter_mut().enumerate() {
                let b = b.add(j * V::LANES);
                *v = if COPY && j + 1 == NV {
                    V::load_first(b, last)
                } else {
                    V::load(b)
                };
                if COPY {
                    v.store(copy.add(j * V::LANES));
                }
            }
            for (i, row) in acc.iter_mut().enumerate() {
                let va = V::splat(if BY_ROWS {
                    a.add(i * t.a_stride)
                } else {
                    a.add(i)
                });
                for (v, vb) in row.iter_mut().zip(vb) {
                    *v = v.add_product(va, vb);
                }
            }
            a = a.wrapping_add(if BY_ROWS { 1 } else { t.a_stride });
            b = b.wrapping_add(t.b_stride);
            if COPY {
                copy = copy.add(NV * V::LANES);
            }
        }
        for (i, row) in acc.iter().enumerate() {
            let c = t.c.add(i * t.c_stride);
            for (j, v) in row.iter().enumerate() {
                let c = c.add(j * V::LANES);
                if j + 1 < NV {
                    v.store(c);
                } else {
                    v.store_first(c, last);
                }
            }
        }
    }
}

/// `to[i * to_stride + j] = from[i * from_stride + j]` for `rows` and `columns`, in whole vectors with
/// zeros behind the columns, i and j ascending.
///
/// # Safety
/// All of these are readable and writable, and the machine has the vectors.
#[inline(always)]
unsafe fn copy_into<V: Vector>(
    from: *const V::T,
    from_stride: usize,
    rows: usize,
    columns: usize,
    to: *mut V::T,
    to_stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for i in 0..rows {
            for j in (0..columns).step_by(V::LANES) {
                let from = from.add(i * from_stride + j);
                let v = if columns - j >= V::LANES {
                    V::load(from)
                } else {
                    V::load_first(from, columns - j)
                };
                v.store(to.add(i * to_stride + j));
            }
        }
    }
}

/// `to[p * to_stride + i] = from[i * from_stride + p]` for `rows <= LANES` and `columns`, in whole
/// vectors with zeros behind the rows, p ascending.
///
/// # Safety
/// All of these are readable and writable, and the machine has the vectors.
#[inline(always)]
unsafe fn transpose_into<V: Vector>(
    from: *const V::T,
    from_stride: usize,
    rows: usize,
    columns: usize,
    to: *mut V::T,
    to_stride: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let squares = if rows == V::LANES {
            columns / V::LANES * V::LANES
        } else {
            0
        };
        for p in (0..squares).step_by(V::LANES) {
            let mut block = [V::zero(); 16];
            for (i, v) in block.iter_mut().enumerate().take(V::LANES) {
                *v = V::load(from.add(i * from_stride + p));
            }
            V::transpose(&mut block);
            for (q, v) in block.iter().enumerate().take(V::LANES) {
                v.store(to.add((p + q) * to_stride));
            }
        }
        for p in (squares..columns).step_by(V::LANES) {
            let width = V::LANES.min(columns - p);
            let mut block = [V::zero(); 16];
            for (i, v) in block.iter_mut().enumerate().take(V::LANES) {
                if i < rows {
                    let from = from.add(i * from_stride + p);
                    *v = if width == V::LANES {
                        V::load(from)
                    } else {
                        V::load_first(from, width)
                    };
                }
            }
            V::transpose(&mut block);
            for (q, v) in block.iter().enumerate().take(V::LANES) {
                if q < width {
                    v.store(to.add((p + q) * to_stride));
                }
            }
        }
    }
}

macro_rules! kernels {
    ($table:ident, $tile:ident, $copy:ident, $transpose:ident, $vector:ty, [$($feature:literal)?],
     tall: [$($tall:literal)*], wide: [$($wide:literal)*], widest: [$($widest:literal)*]) => {
        $(#[target_feature(enable = $feature)])?
        unsafe fn $tile<const MR: usize, const NV: usize, const BY_ROWS: bool, const COPY: bool>(
            t: &Tile<<$vector as Vector>::T>,
        ) {
            // SAFETY: the caller's promise.
            unsafe { tile::<$vector, MR, NV, BY_ROWS, COPY>(t) }
        }

        $(#[target_feature(enable = $feature)])?
        unsafe fn $copy(
            from: *const <$vector as Vector>::T,
            from_stride: usize,
            rows: usize,
            columns: usize,
            to: *mut <$vector as Vector>::T,
            to_stride: usize,
        ) {
            // SAFETY: the caller's promise.
            unsafe { copy_into::<$vector>(from, from_stride, rows, columns, to, to_stride) }
        }

        $(#[target_feature(enable = $feature)])?
        unsafe fn $transpose(
            from: *const <$vector as Vector>::T,
            from_stride: usize,
            rows: usize,
            columns: usize,
            to: *mut <$vector as Vector>::T,
            to_stride: usize,
        ) {
            // SAFETY: the caller's promise.
            unsafe { transpose_into::<$vector>(from, from_stride, rows, columns, to, to_stride) }
        }

        pub(super) static $table: Kernels<<$vector as Vector>::T> = Kernels {
            lanes: <$vector as Vector>::LANES,
            by_rows: [
                &[$($tile::<$tall, 1, true, false>),*],
                &[$($tile::<$tall, 2, true, false>),*],
            ],
            by_columns: [
                &[$($tile::<$tall, 1, false, false>),*],
                &[$($tile::<$tall, 2, false, false>),*],
            ],
            copying_by_rows: [
                &[$($tile::<$tall, 1, true, true>),*],
                &[$($tile::<$tall, 2, true, true>),*],
            ],
            copying_by_columns: [
                &[$($tile::<$tall, 1, false, true>),*],
                &[$($tile::<$tall, 2, false, true>),*],
            ],
            wide: [
                &[$($tile::<$wide, 4, false, false>),*],
                &[$($tile::<$widest, 8, false, false>),*],
            ],
            copy: $copy,
            transpose: $transpose,
        };
    };
}

kernels!(PLAIN_F32, plain_f32, plain_copy_f32, plain_transpose_f32, Plain<f32, 8>, [],
    tall: [1 2 3 4 5 6], wide: [1 2 3], widest: [1]);
kernels!(PLAIN_F64, plain_f64, plain_copy_f64, plain_transpose_f64, Plain<f64, 4>, [],
    tall: [1 2 3 4 5 6], wide: [1 2 3], widest: [1]);

#[cfg(target_arch = "x86_64")]
mod x86_tiles {
    use super::*;
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    kernels!(AVX512_F32, avx512_f32, avx512_copy_f32, avx512_transpose_f32, __m512,
        ["avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"],
        tall: [1 2 3 4 5 6 7 8 9 10 11 12], wide: [1 2 3 4 5 6], widest: [1 2]);
    kernels!(AVX512_F64, avx512_f64, avx512_copy_f64, avx512_transpose_f64, __m512d,
        ["avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"],
        tall: [1 2 3 4 5 6 7 8 9 10 11 12], wide: [1 2 3 4 5 6], widest: [1 2]);
    kernels!(AVX2_F32, avx2_f32, avx2_copy_f32, avx2_transpose_f32, __m256, ["avx2,fma"],
        tall: [1 2 3 4 5 6], wide: [1 2], widest: [1]);
    kernels!(AVX2_F64, avx2_f64, avx2_copy_f64, avx2_transpose_f64, __m256d, ["avx2,fma"],
        tall: [1 2 3 4 5 6], wide: [1 2], widest: [1]);
}

macro_rules! tiles {
    ($t:ty, $plain:ident, $avx2:ident, $avx512:ident) => {
        impl private::Tiles for $t {
            const ZERO: Self = 0.0;
            #[allow(private_interfaces)]
            fn kernels(isa: Isa) -> &'static Kernels<Self> {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => &x86_tiles::$avx512,
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => &x86_tiles::$avx2,
                    _ => &$plain,
                }
            }
        }
    };
}
tiles!(f32, PLAIN_F32, AVX2_F32, AVX512_F32);
tiles!(f64, PLAIN_F64, AVX2_F64, AVX512_F64);
