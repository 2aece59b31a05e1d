//! The vectors of AVX-512 and AVX2.

use super::Vector;
use std::arch::x86_64::*;

impl Vector for __m512 {
    type T = f32;
    const LANES: usize = 16;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise, as for every intrinsic below.
        unsafe { _mm512_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_set1_ps(*p) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_maskz_loadu_ps(((1u32 << n) - 1) as __mmask16, p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(p, self) }
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        if n == Self::LANES {
            // SAFETY: as above. Masked stores take many times as long on some processors.
            return unsafe { self.store(p) };
        }
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_ps(p, ((1u32 << n) - 1) as __mmask16, self) }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_fmadd_ps(a, b, self) }
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: as above. Of a NaN or of two zeros the instruction gives its second operand.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), self) }
    }
    #[inline(always)]
    unsafe fn transpose(r: &mut [Self; 16]) {
        // SAFETY: as above.
        unsafe {
            for i in (0..16).step_by(4) {
                let [a, b, c, d] = [r[i], r[i + 1], r[i + 2], r[i + 3]].map(|v| v);
                let ab = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let cd = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                let pair = |x, y| {
                    let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
                    (
                        _mm512_castpd_ps(_mm512_unpacklo_pd(x, y)),
                        _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)),
                    )
                };
                (r[i], r[i + 1]) = pair(ab.0, cd.0);
                (r[i + 2], r[i + 3]) = pair(ab.1, cd.1);
            }
            // r[4 q + j] holds, in its 128-bit part s, rows 4q..4q+4 of column 4s + j.
            for j in 0..4 {
                let (a, b, c, d) = (r[j], r[j + 4], r[j + 8], r[j + 12]);
                let (e, f) = (
                    _mm512_shuffle_f32x4::<0x88>(a, b),
                    _mm512_shuffle_f32x4::<0xdd>(a, b),
                );
                let (g, h) = (
                    _mm512_shuffle_f32x4::<0x88>(c, d),
                    _mm512_shuffle_f32x4::<0xdd>(c, d),
                );
                r[j] = _mm512_shuffle_f32x4::<0x88>(e, g);
                r[j + 8] = _mm512_shuffle_f32x4::<0xdd>(e, g);
                r[j + 4] = _mm512_shuffle_f32x4::<0x88>(f, h);
                r[j + 12] = _mm512_shuffle_f32x4::<0xdd>(f, h);
            }
        }
    }
}

impl Vector for __m512d {
    type T = f64;
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise, as for every intrinsic below.
        unsafe { _mm512_setzero_pd() }
    }
    #[inline(always)]
    unsafe fn splat(p: *const f64) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_set1_pd(*p) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f64) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f64, n: usize) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_maskz_loadu_pd(((1u32 << n) - 1) as __mmask8, p) }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f64) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_pd(p, self) }
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut f64, n: usize) {
        if n == Self::LANES {
            // SAFETY: as above. Masked stores take many times as long on some processors.
            return unsafe { self.store(p) };
        }
        // SAFETY: as above.
        unsafe { _mm512_mask_storeu_pd(p, ((1u32 << n) - 1) as __mmask8, self) }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_fmadd_pd(a, b, self) }
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: as above. Of a NaN or of two zeros the instruction gives its second operand.
        unsafe { _mm512_max_pd(_mm512_setzero_pd(), self) }
    }
    #[inline(always)]
    unsafe fn transpose(r: &mut [Self; 16]) {
        // SAFETY: as above.
        unsafe {
            for i in (0..8).step_by(2) {
                let (a, b) = (r[i], r[i + 1]);
                r[i] = _mm512_unpacklo_pd(a, b);
                r[i + 1] = _mm512_unpackhi_pd(a, b);
            }
            // r[2 q + j] holds, in its 128-bit part s, rows 2q and 2q+1 of column 2s + j.
            for j in 0..2 {
                let (a, b, c, d) = (r[j], r[j + 2], r[j + 4], r[j + 6]);
                let (e, f) = (
                    _mm512_shuffle_f64x2::<0x88>(a, b),
                    _mm512_shuffle_f64x2::<0xdd>(a, b),
                );
                let (g, h) = (
                    _mm512_shuffle_f64x2::<0x88>(c, d),
                    _mm512_shuffle_f64x2::<0xdd>(c, d),
                );
                r[j] = _mm512_shuffle_f64x2::<0x88>(e, g);
                r[j + 4] = _mm512_shuffle_f64x2::<0xdd>(e, g);
                r[j + 2] = _mm512_shuffle_f64x2::<0x88>(f, h);
                r[j + 6] = _mm512_shuffle_f64x2::<0xdd>(f, h);
            }
        }
    }
}

impl Vector for __m256 {
    type T = f32;
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise, as for every intrinsic below.
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(p: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_broadcast_ss(&*p) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f32, n: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lane))
        }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(p, self) }
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut f32, n: usize) {
        if n == Self::LANES {
            // SAFETY: as above. Masked stores take many times as long on some processors.
            return unsafe { self.store(p) };
        }
        // SAFETY: as above.
        unsafe {
            let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lane);
            _mm256_maskstore_ps(p, mask, self);
        }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_fmadd_ps(a, b, self) }
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: as above. Of a NaN or of two zeros the instruction gives its second operand.
        unsafe { _mm256_max_ps(_mm256_setzero_ps(), self) }
    }
    #[inline(always)]
    unsafe fn transpose(r: &mut [Self; 16]) {
        // SAFETY: as above.
        unsafe {
            for i in [0, 4] {
                let (a, b, c, d) = (r[i], r[i + 1], r[i + 2], r[i + 3]);
                let ab = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let cd = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                r[i] = _mm256_shuffle_ps::<0x44>(ab.0, cd.0);
                r[i + 1] = _mm256_shuffle_ps::<0xee>(ab.0, cd.0);
                r[i + 2] = _mm256_shuffle_ps::<0x44>(ab.1, cd.1);
                r[i + 3] = _mm256_shuffle_ps::<0xee>(ab.1, cd.1);
            }
            for j in 0..4 {
                let (a, b) = (r[j], r[j + 4]);
                r[j] = _mm256_permute2f128_ps::<0x20>(a, b);
                r[j + 4] = _mm256_permute2f128_ps::<0x31>(a, b);
            }
        }
    }
}

impl Vector for __m256d {
    type T = f64;
    const LANES: usize = 4;
    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise, as for every intrinsic below.
        unsafe { _mm256_setzero_pd() }
    }
    #[inline(always)]
    unsafe fn splat(p: *const f64) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_broadcast_sd(&*p) }
    }
    #[inline(always)]
    unsafe fn load(p: *const f64) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_loadu_pd(p) }
    }
    #[inline(always)]
    unsafe fn load_first(p: *const f64, n: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let lane = _mm256_setr_epi64x(0, 1, 2, 3);
            _mm256_maskload_pd(p, _mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), lane))
        }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f64) {
        // SAFETY: as above.
        unsafe { _mm256_storeu_pd(p, self) }
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut f64, n: usize) {
        if n == Self::LANES {
            // SAFETY: as above. Masked stores take many times as long on some processors.
            return unsafe { self.store(p) };
        }
        // SAFETY: as above.
        unsafe {
            let lane = _mm256_setr_epi64x(0, 1, 2, 3);
            let mask = _mm256_cmpgt_epi64(_mm256_set1_epi64x(n as i64), lane);
            _mm256_maskstore_pd(p, mask, self);
        }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_fmadd_pd(a, b, self) }
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: as above. Of a NaN or of two zeros the instruction gives its second operand.
        unsafe { _mm256_max_pd(_mm256_setzero_pd(), self) }
    }
    #[inline(always)]
    unsafe fn transpose(r: &mut [Self; 16]) {
        // SAFETY: as above.
        unsafe {
            for i in [0, 2] {
                let (a, b) = (r[i], r[i + 1]);
                r[i] = _mm256_unpacklo_pd(a, b);
                r[i + 1] = _mm256_unpackhi_pd(a, b);
            }
            for j in 0..2 {
                let (a, b) = (r[j], r[j + 2]);
                r[j] = _mm256_permute2f128_pd::<0x20>(a, b);
                r[j + 2] = _mm256_permute2f128_pd::<0x31>(a, b);
            }
        }
    }
}
