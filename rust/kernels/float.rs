//! The two floating-point types of the kernels and the functions of them.
//!
//! Every function is plain arithmetic, fused multiply-adds, bit operations and selects, so a loop
//! over it is compiled into vectors and gives the same bits on every instruction set. In code for
//! a concrete `f32` or `f64`, write `Float::exp(x)`: `x.exp()` there is the standard library's.

use super::math;
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`.
pub trait Float:
    Copy
    + Send
    + Sync
    + Default
    + Debug
    + Display
    + PartialEq
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: Self;
    const INFINITY: Self;
    const NEG_INFINITY: Self;
    const NAN: Self;
    /// Largest finite number.
    const MAX: Self;
    /// Smallest positive normal number.
    const MIN_POSITIVE: Self;

    /// The nearest number.
    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    /// The nearest number.
    fn from_usize(n: usize) -> Self;
    /// The integer towards zero, at most the largest and at least the smallest; 0 for NaN.
    fn to_i32(self) -> i32;
    /// As [`Float::to_i32`], in vectors.
    ///
    /// # Safety
    /// The integer towards zero is an `i32`.
    unsafe fn to_i32_unchecked(self) -> i32;

    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    fn sqrt(self) -> Self;
    fn abs(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn copysign(self, sign: Self) -> Self;
    /// The largest integer not above.
    fn floor(self) -> Self;
    /// The smallest integer not below.
    fn ceil(self) -> Self;
    /// The integer towards zero.
    fn trunc(self) -> Self;
    /// The nearest integer, halves to the even one.
    fn round_even(self) -> Self;

    #[inline(always)]
    fn is_nan(self) -> bool {
        #[allow(clippy::eq_op)]
        let nan = self != self;
        nan
    }

    /// The larger one; NaN where either is NaN.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        if self > other || self.is_nan() {
            self
        } else {
            other
        }
    }

    /// The smaller one; NaN where either is NaN.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        if self < other || self.is_nan() {
            self
        } else {
            other
        }
    }

    /// -1, 0 or 1; zeros and NaN stay themselves.
    #[inline(always)]
    fn sign(self) -> Self {
        let unit = Self::ONE.copysign(self);
        if self == Self::ZERO || self.is_nan() {
            self
        } else {
            unit
        }
    }

    /// `1 / x`.
    #[inline(always)]
    fn reciprocal(self) -> Self {
        Self::ONE / self
    }

    /// `1 / sqrt(x)`.
    #[inline(always)]
    fn rsqrt(self) -> Self {
        Self::ONE / self.sqrt()
    }

    fn exp(self) -> Self;
    fn expm1(self) -> Self;
    fn log(self) -> Self;
    fn log1p(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    fn asin(self) -> Self;
    fn acos(self) -> Self;
    fn atan(self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn asinh(self) -> Self;
    fn acosh(self) -> Self;
    fn atanh(self) -> Self;
    /// `1 / (1 + exp(-x))`.
    fn sigmoid(self) -> Self;
    /// `log(sigmoid(x))`.
    fn log_sigmoid(self) -> Self;
    /// `log(1 + exp(x))`.
    fn softplus(self) -> Self;
    /// `x * sigmoid(x)`.
    fn silu(self) -> Self;
    /// `x Phi(x)` with the distribution function of the normal distribution.
    fn gelu(self) -> Self;
    /// The derivative of [`Float::gelu`].
    fn gelu_slope(self) -> Self;
    fn erf(self) -> Self;
    fn erfinv(self) -> Self;
    /// `log(abs(gamma(x)))`.
    fn lgamma(self) -> Self;
    /// The derivative of `lgamma`.
    fn digamma(self) -> Self;
    /// `self ^ exponent`.
    fn pow(self, exponent: Self) -> Self;
    /// The angle of the point `(x, self)`, in `[-pi, pi]`.
    fn atan2(self, x: Self) -> Self;
}

macro_rules! float {
    ($t:ty, through $wide:ty, $power:path;
     $($name:ident => $function:path),*; $($rare:ident => $rare_function:path),*) => {
        impl Float for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = <$t>::EPSILON;
            const INFINITY: Self = <$t>::INFINITY;
            const NEG_INFINITY: Self = <$t>::NEG_INFINITY;
            const NAN: Self = <$t>::NAN;
            const MAX: Self = <$t>::MAX;
            const MIN_POSITIVE: Self = <$t>::MIN_POSITIVE;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn from_usize(n: usize) -> Self {
                n as $t
            }
            #[inline(always)]
            fn to_i32(self) -> i32 {
                self as i32
            }
            #[inline(always)]
            unsafe fn to_i32_unchecked(self) -> i32 {
                // SAFETY: the caller's promise.
                unsafe { self.to_int_unchecked() }
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                <$t>::mul_add(self, a, b)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                <$t>::copysign(self, sign)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                <$t>::floor(self)
            }
            #[inline(always)]
            fn ceil(self) -> Self {
                <$t>::ceil(self)
            }
            #[inline(always)]
            fn trunc(self) -> Self {
                <$t>::trunc(self)
            }
            #[inline(always)]
            fn round_even(self) -> Self {
                <$t>::round_ties_even(self)
            }
            $(
                #[inline(always)]
                fn $name(self) -> Self {
                    $function(self)
                }
            )*
            $(
                #[inline(always)]
                fn $rare(self) -> Self {
                    $rare_function(self as $wide) as $t
                }
            )*
            #[inline(always)]
            fn pow(self, exponent: Self) -> Self {
                $power(self, exponent)
            }
            #[inline(always)]
            fn atan2(self, x: Self) -> Self {
                math::atan2(self as $wide, x as $wide) as $t
            }
        }
    };
}

// The second lists, and `atan2`, are computed in `f64` and rounded once.
float!(f32, through f64, math::pow_f32;
    exp => math::exp, expm1 => math::expm1, log => math::log, log1p => math::log1p,
    sin => math::sin_f32, cos => math::cos_f32,
    sinh => math::sinh, cosh => math::cosh, tanh => math::tanh,
    sigmoid => math::sigmoid, log_sigmoid => math::log_sigmoid, softplus => math::softplus,
    silu => math::silu, gelu => math::gelu, gelu_slope => math::gelu_slope,
    erf => math::erf_f32, erfinv => math::erfinv_f32;
    tan => math::tan, asin => math::asin, acos => math::acos, atan => math::atan,
    asinh => math::asinh, acosh => math::acosh, atanh => math::atanh,
    lgamma => math::lgamma, digamma => math::digamma
);

float!(f64, through f64, math::pow;
    exp => math::exp, expm1 => math::expm1, log => math::log, log1p => math::log1p,
    sin => math::sin, cos => math::cos,
    sinh => math::sinh, cosh => math::cosh, tanh => math::tanh,
    sigmoid => math::sigmoid, log_sigmoid => math::log_sigmoid, softplus => math::softplus,
    silu => math::silu, gelu => math::gelu, gelu_slope => math::gelu_slope,
    erf => math::erf, erfinv => math::erfinv;
    tan => math::tan, asin => math::asin, acos => math::acos, atan => math::atan,
    asinh => math::asinh, acosh => math::acosh, atanh => math::atanh,
    lgamma => math::lgamma, digamma => math::digamma
);
