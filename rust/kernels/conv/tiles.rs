//! The tiles of convolutions: a few rows of the result by one or two vectors, held in registers
//! over the whole sum.
//!
//! Every element of a tile is one chain of fused multiply-adds in the order of its segments, so its
//! bits do not depend on the tile's size or on the instruction set.

use crate::kernels::isa::Isa;
use crate::kernels::vector::{Plain, Vector};

/// Vectors of a tile at the most.
pub(super) const WIDEST: usize = 2;

/// A row of a gathering tile: where it reads the source and where it writes the result, in elements.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pixel {
    pub source: usize,
    pub result: usize,
}

/// A run of the sum that lies in one piece in the source and in the packed kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Added to a pixel's place in the source.
    pub shift: isize,
    /// Row of the packed kernel.
    pub row: usize,
    pub len: usize,
}

/// `result[pixel, j] = f(bias[j] + sum over segments of source[pixel + shift + p] * kernel[row + p, j])`.
pub(super) struct Gather<'a, T> {
    pub pixels: &'a [Pixel],
    pub segments: &'a [Segment],
    pub source: *const T,
    /// Rows of as many columns as the tile has lanes, zeros behind the last.
    pub kernel: *const T,
    /// Null for none; the tile's columns, `last` in the last vector.
    pub bias: *const T,
    pub result: *mut T,
    /// Columns in the last vector.
    pub last: usize,
    pub relu: bool,
}

/// A run of positions whose products are added up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub a: usize,
    /// Row of the packed columns.
    pub b: usize,
    pub len: usize,
}

/// `c[i, j] += sum over runs of a[run.a + p * a_step + i] * b[run.b + p, j]`.
pub(super) struct Outer<'a, T> {
    pub runs: &'a [Run],
    pub a: *const T,
    pub a_step: usize,
    /// Rows of as many columns as the tile has lanes, zeros behind the last.
    pub b: *const T,
    pub c: *mut T,
    pub c_step: usize,
    /// Columns in the last vector.
    pub last: usize,
}

pub(super) type GatherFn<T> = unsafe fn(&Gather<T>);
pub(super) type OuterFn<T> = unsafe fn(&Outer<T>);

/// What one instruction set has for one element type: tiles by vectors less one, by rows less one.
pub(super) struct Tiles<T: 'static> {
    pub lanes: usize,
    pub gather: [&'static [GatherFn<T>]; WIDEST],
    pub outer: [&'static [OuterFn<T>]; WIDEST],
}

/// # Safety
/// Every place that the fields name is inside live memory; the machine has the vectors; `pixels`
/// has `MR` entries.
#[inline(always)]
unsafe fn gather<V: Vector, const MR: usize, const NV: usize>(t: &Gather<V::T>) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut acc = [[V::zero(); NV]; MR];
        if !t.bias.is_null() {
            let mut first = [V::zero(); NV];
            for (j, v) in first.iter_mut().enumerate() {
                let bias = t.bias.add(j * V::LANES);
                *v = if j + 1 < NV {
                    V::load(bias)
                } else {
                    V::load_first(bias, t.last)
                };
            }
            acc = [first; MR];
        }
        let pixels = t.pixels.as_ptr();
        let a: [*const V::T; MR] =
            std::array::from_fn(|i| t.source.wrapping_add((*pixels.add(i)).source));
        for segment in t.segments {
            let mut b = t.kernel.add(segment.row * NV * V::LANES);
            for at in segment.shift..segment.shift + segment.len as isize {
                let mut vb = [V::zero(); NV];
                for (j, v) in vb.iter_mut().enumerate() {
                    *v = V::load(b.add(j * V::LANES));
                }
                for (row, a) in acc.iter_mut().zip(a) {
                    let va = V::splat(a.wrapping_offset(at));
                    for (v, vb) in row.iter_mut().zip(vb) {
                        *v = v.add_product(va, vb);
                    }
                }
                b = b.add(NV * V::LANES);
            }
        }
        for (i, row) in acc.iter().enumerate() {
            let c = t.result.add((*pixels.add(i)).result);
            for (j, v) in row.iter().enumerate() {
                let v = if t.relu { v.relu() } else { *v };
                let c = c.add(j * V::LANES);
                if j + 1 < NV {
                    v.store(c);
                } else {
                    v.store_first(c, t.last);
                }
            }
        }
    }
}

/// # Safety
/// Every place that the fields name is inside live memory, and the machine has the vectors.
#[inline(always)]
unsafe fn outer<V: Vector, const MR: usize, const NV: usize>(t: &Outer<V::T>) {
    // SAFETY: the caller's promise.
    unsafe {
        let last = t.last;
        let mut acc = [[V::zero(); NV]; MR];
        for (i, row) in acc.iter_mut().enumerate() {
            for (j, v) in row.iter_mut().enumerate() {
                let c = t.c.add(i * t.c_step + j * V::LANES);
                *v = if j + 1 < NV {
                    V::load(c)
                } else {
                    V::load_first(c, last)
                };
            }
        }
        for run in t.runs {
            let (mut a, mut b) = (t.a.add(run.a), t.b.add(run.b * NV * V::LANES));
            for _ in 0..run.len {
                let mut vb = [V::zero(); NV];
                for (j, v) in vb.iter_mut().enumerate() {
                    *v = V::load(b.add(j * V::LANES));
                }
                for (i, row) in acc.iter_mut().enumerate() {
                    let va = V::splat(a.add(i));
                    for (v, vb) in row.iter_mut().zip(vb) {
                        *v = v.add_product(va, vb);
                    }
                }
                a = a.wrapping_add(t.a_step);
                b = b.add(NV * V::LANES);
            }
        }
        for (i, row) in acc.iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                let c = t.c.add(i * t.c_step + j * V::LANES);
                if j + 1 < NV {
                    v.store(c);
                } else {
                    v.store_first(c, last);
                }
            }
        }
    }
}

macro_rules! tiles {
    ($table:ident, $gather:ident, $outer:ident, $vector:ty, [$($feature:literal)?],
     gather: [$($g1:literal)*] [$($g2:literal)*], outer: [$($o1:literal)*] [$($o2:literal)*]) => {
        $(#[target_feature(enable = $feature)])?
        unsafe fn $gather<const MR: usize, const NV: usize>(t: &Gather<<$vector as Vector>::T>) {
            // SAFETY: the caller's promise.
            unsafe { gather::<$vector, MR, NV>(t) }
        }

        $(#[target_feature(enable = $feature)])?
        unsafe fn $outer<const MR: usize, const NV: usize>(t: &Outer<<$vector as Vector>::T>) {
            // SAFETY: the caller's promise.
            unsafe { outer::<$vector, MR, NV>(t) }
        }

        pub(super) static $table: Tiles<<$vector as Vector>::T> = Tiles {
            lanes: <$vector as Vector>::LANES,
            gather: [&[$($gather::<$g1, 1>),*], &[$($gather::<$g2, 2>),*]],
            outer: [&[$($outer::<$o1, 1>),*], &[$($outer::<$o2, 2>),*]],
        };
    };
}

tiles!(PLAIN_F32, plain_gather_f32, plain_outer_f32, Plain<f32, 8>, [],
    gather: [1 2 3 4] [1 2 3 4], outer: [1 2 3 4] [1 2 3 4]);
tiles!(PLAIN_F64, plain_gather_f64, plain_outer_f64, Plain<f64, 4>, [],
    gather: [1 2 3 4] [1 2 3 4], outer: [1 2 3 4] [1 2 3 4]);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    tiles!(AVX512_F32, avx512_gather_f32, avx512_outer_f32, __m512,
        ["avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"],
        gather: [1 2 3 4 5 6 7 8] [1 2 3 4 5 6 7 8],
        outer: [1 2 3 4 5 6 7 8 9 10 11 12] [1 2 3 4 5 6 7 8 9 10 11 12]);
    tiles!(AVX512_F64, avx512_gather_f64, avx512_outer_f64, __m512d,
        ["avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"],
        gather: [1 2 3 4 5 6 7 8] [1 2 3 4 5 6 7 8],
        outer: [1 2 3 4 5 6 7 8 9 10 11 12] [1 2 3 4 5 6 7 8 9 10 11 12]);
    tiles!(AVX2_F32, avx2_gather_f32, avx2_outer_f32, __m256, ["avx2,fma"],
        gather: [1 2 3 4 5 6 7 8] [1 2 3 4 5 6],
        outer: [1 2 3 4 5 6 7 8 9 10 11 12] [1 2 3 4 5 6]);
    tiles!(AVX2_F64, avx2_gather_f64, avx2_outer_f64, __m256d, ["avx2,fma"],
        gather: [1 2 3 4 5 6 7 8] [1 2 3 4 5 6],
        outer: [1 2 3 4 5 6 7 8 9 10 11 12] [1 2 3 4 5 6]);
}

/// An element type of convolutions: `f32` or `f64`.
pub trait Element: Copy + Send + Sync + 'static + private::Tiled {}
impl Element for f32 {}
impl Element for f64 {}

pub(super) mod private {
    use super::{Isa, Tiles};

    pub trait Tiled: Sized {
        const ZERO: Self;
        #[allow(private_interfaces)]
        fn tiles(isa: Isa) -> &'static Tiles<Self>;
    }
}

macro_rules! tiled {
    ($t:ty, $plain:ident, $avx2:ident, $avx512:ident) => {
        impl private::Tiled for $t {
            const ZERO: Self = 0.0;
            #[allow(private_interfaces)]
            fn tiles(isa: Isa) -> &'static Tiles<Self> {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx512 => &x86::$avx512,
                    #[cfg(target_arch = "x86_64")]
                    Isa::Avx2 => &x86::$avx2,
                    _ => &$plain,
                }
            }
        }
    };
}
tiled!(f32, PLAIN_F32, AVX2_F32, AVX512_F32);
tiled!(f64, PLAIN_F64, AVX2_F64, AVX512_F64);
