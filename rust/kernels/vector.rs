//! Vectors of floats, one type for each instruction set: what the tiles of products and of
//! convolutions, and the packing, are written in.

#[cfg(target_arch = "x86_64")]
mod x86;

/// A vector of [`Vector::LANES`] floats. Every function is inlined into code that was compiled
/// for the vector's instruction set.
pub trait Vector: Copy {
    type T: Copy;
    const LANES: usize;

    /// # Safety
    /// The machine has the instruction set; as for every function below.
    unsafe fn zero() -> Self;
    /// The float at `p` in every lane.
    ///
    /// # Safety
    /// `p` is readable.
    unsafe fn splat(p: *const Self::T) -> Self;
    /// # Safety
    /// `LANES` floats at `p` are readable.
    unsafe fn load(p: *const Self::T) -> Self;
    /// The first `n` lanes from memory, zero in the others.
    ///
    /// # Safety
    /// `n <= LANES` floats at `p` are readable.
    unsafe fn load_first(p: *const Self::T, n: usize) -> Self;
    /// # Safety
    /// `LANES` floats at `p` are writable.
    unsafe fn store(self, p: *mut Self::T);
    /// # Safety
    /// `n <= LANES` floats at `p` are writable.
    unsafe fn store_first(self, p: *mut Self::T, n: usize);
    /// `self + a * b`, rounded once.
    ///
    /// # Safety
    /// See above.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// Zero for lanes below zero; all others as they are, NaN and -0 too.
    ///
    /// # Safety
    /// See above.
    unsafe fn relu(self) -> Self;
    /// Transposes the square of the first `LANES` vectors.
    ///
    /// # Safety
    /// See above.
    unsafe fn transpose(rows: &mut [Self; 16]);
}

/// Plain Rust lanes, for every target.
#[derive(Clone, Copy)]
pub struct Plain<T, const N: usize>([T; N]);

macro_rules! plain {
    ($t:ty, $lanes:literal) => {
        impl Vector for Plain<$t, $lanes> {
            type T = $t;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn zero() -> Self {
                Plain([0.0; $lanes])
            }
            #[inline(always)]
            unsafe fn splat(p: *const $t) -> Self {
                // SAFETY: the caller's promise.
                Plain([unsafe { *p }; $lanes])
            }
            #[inline(always)]
            unsafe fn load(p: *const $t) -> Self {
                // SAFETY: the caller's promise; an array is as aligned as its floats.
                Plain(unsafe { *p.cast() })
            }
            #[inline(always)]
            unsafe fn load_first(p: *const $t, n: usize) -> Self {
                let mut out = [0.0; $lanes];
                for (i, x) in out.iter_mut().enumerate().take(n) {
                    // SAFETY: the caller's promise.
                    *x = unsafe { *p.add(i) };
                }
                Plain(out)
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $t) {
                // SAFETY: the caller's promise.
                unsafe { *p.cast() = self.0 }
            }
            #[inline(always)]
            unsafe fn store_first(self, p: *mut $t, n: usize) {
                for (i, x) in self.0.iter().enumerate().take(n) {
                    // SAFETY: the caller's promise.
                    unsafe { *p.add(i) = *x }
                }
            }
            #[inline(always)]
            unsafe fn add_product(mut self, a: Self, b: Self) -> Self {
                for (i, x) in self.0.iter_mut().enumerate() {
                    *x = a.0[i].mul_add(b.0[i], *x);
                }
                self
            }
            #[inline(always)]
            unsafe fn relu(mut self) -> Self {
                for x in &mut self.0 {
                    *x = if *x < 0.0 { 0.0 } else { *x };
                }
                self
            }
            #[inline(always)]
            unsafe fn transpose(rows: &mut [Self; 16]) {
                for i in 0..$lanes {
                    for j in 0..i {
                        let x = rows[i].0[j];
                        rows[i].0[j] = rows[j].0[i];
                        rows[j].0[i] = x;
                    }
                }
            }
        }
    };
}
plain!(f32, 8);
plain!(f64, 4);
