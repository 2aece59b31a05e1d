//! The logarithm and the functions made of it: `x = 2^k (1 + f)`, `log x = k ln 2 + log(1 + f)`.

use super::exp::{exp_below_overflow, exp_beside_one, Exponential};
use super::poly;
use crate::kernels::float::Float;

/// `ln 2` with its last 20 bits zero, and the rest.
pub(super) const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
pub(super) const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// What the logarithm needs of a type's format.
pub trait Logarithm: Float {
    /// `(k, f)` with `x = 2^k (1 + f)` and `1 + f` in `[sqrt(1/2), sqrt(2))`, for finite `x > 0`.
    fn split(x: Self) -> (Self, Self);
    /// `k ln 2 + log(1 + f) + c`.
    fn join(k: Self, f: Self, c: Self) -> Self;
    /// Above, `1 + x` rounds to `x`; its square is finite.
    const LARGE: Self;
}

/// `(log(1 + f) - f + f^2 / 2) / f^3` for `1 + f` in `[sqrt(1/2), sqrt(2)]`, relative error of the
/// logarithm 2^-30.
const LOG_F32: [f32; 9] = [
    0.33333313,
    -0.2500001,
    0.20002119,
    -0.16667998,
    0.14219551,
    -0.12405543,
    0.11888141,
    -0.11675933,
    0.0674702,
];
/// `(log((1 + s) / (1 - s)) / s - 2) / z` with `z = s^2 <= (3 - sqrt(8))^2`, 2^-59.
const LOG_F64: [f64; 7] = [
    0.6666666666666735,
    0.3999999999941108,
    0.2857142874326579,
    0.22222198475692623,
    0.18183569753483775,
    0.1531390293522408,
    0.14797510483530796,
];

impl Logarithm for f32 {
    const LARGE: f32 = 1e10;

    #[inline(always)]
    fn split(x: f32) -> (f32, f32) {
        const SQRT_HALF: u32 = 0x3F35_04F3;
        let tiny = x < f32::MIN_POSITIVE;
        let scaled = x * 33554432.0; // 2^25
        let x = if tiny { scaled } else { x };
        let bias = if tiny { 152.0 } else { 127.0 };
        // The exponent counts from sqrt(1/2).
        let bits = x.to_bits().wrapping_add(0x3F80_0000 - SQRT_HALF);
        let k = f32::from_bits((bits >> 23) | 0x4B00_0000) - (8388608.0 + bias);
        let m = f32::from_bits((bits & 0x007F_FFFF) + SQRT_HALF);
        (k, m - 1.0)
    }

    #[inline(always)]
    fn join(k: f32, f: f32, c: f32) -> f32 {
        let half = 0.5 * f * f;
        let low = k.mul_add(1.428_606_8e-6, c);
        let rest = (f * f * f).mul_add(poly(f, &LOG_F32), low);
        k.mul_add(0.693_145_75, f - (half - rest))
    }
}

/// `log((1 + s) / (1 - s)) / s - 2`.
#[inline(always)]
pub(super) fn log_ratio(s: f64) -> f64 {
    let z = s * s;
    z * poly(z, &LOG_F64)
}

/// [`Logarithm::split`] of a normal number, whose exponent is stored with this bias.
#[inline(always)]
fn split_normal(x: f64, bias: f64) -> (f64, f64) {
    const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
    let bits = x.to_bits().wrapping_add(0x3FF0_0000_0000_0000 - SQRT_HALF);
    let k = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - (4503599627370496.0 + bias);
    let m = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) + SQRT_HALF);
    (k, m - 1.0)
}

impl Logarithm for f64 {
    const LARGE: f64 = 1e18;

    #[inline(always)]
    fn split(x: f64) -> (f64, f64) {
        let tiny = x < f64::MIN_POSITIVE;
        let scaled = x * 18014398509481984.0; // 2^54
        let x = if tiny { scaled } else { x };
        split_normal(x, if tiny { 1077.0 } else { 1023.0 })
    }

    /// With `s = f / (2 + f)`: `log(1 + f) = f - f^2/2 + s (f^2/2 + R(s))`, as in fdlibm's e_log.
    #[inline(always)]
    fn join(k: f64, f: f64, c: f64) -> f64 {
        let s = f / (2.0 + f);
        let half = 0.5 * f * f;
        let rest = s.mul_add(half + log_ratio(s), k.mul_add(LN_2_LOW, c));
        k.mul_add(LN_2_HIGH, f - (half - rest))
    }
}

/// `ln x`.
#[inline(always)]
pub fn log<T: Logarithm>(x: T) -> T {
    let (k, f) = T::split(x);
    let y = T::join(k, f, T::ZERO);
    let y = if x < T::INFINITY { y } else { x };
    let y = if x == T::ZERO { T::NEG_INFINITY } else { y };
    if x < T::ZERO {
        T::NAN
    } else {
        y
    }
}

/// `ln(1 + x)`, accurate near 0: the rounding error of `1 + x` is added back.
#[inline(always)]
pub fn log1p<T: Logarithm>(x: T) -> T {
    let u = T::ONE + x;
    let back = u - T::ONE;
    let lost = (T::ONE - (u - back)) + (x - back);
    let (k, f) = T::split(u);
    let y = T::join(k, f, lost / u).copysign(x);
    let y = if x < T::INFINITY { y } else { x };
    let y = if x == -T::ONE { T::NEG_INFINITY } else { y };
    if x < -T::ONE {
        T::NAN
    } else {
        y
    }
}

/// `ln(1 + e)` for `0 <= e <= 1`.
#[inline(always)]
fn log1p_of_fraction<T: Logarithm>(e: T) -> T {
    let u = T::ONE + e;
    let (k, f) = T::split(u);
    T::join(k, f, (e - (u - T::ONE)) / u)
}

/// `ln(1 + e^x + e^y)` for `x, y <= 0`, NaN where one is; the error is absolute, an ulp or two of 1.
#[inline(always)]
pub fn log_one_and_exps(x: f64, y: f64) -> f64 {
    let sum = 1.0 + (exp_beside_one(x) + exp_beside_one(y));
    let (k, f) = split_normal(sum, 1023.0);
    let y = f64::join(k, f, 0.0);
    if sum < 4.0 {
        y
    } else {
        sum
    }
}

/// `ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)`.
#[inline(always)]
pub fn softplus<T: Logarithm + Exponential>(x: T) -> T {
    let above = if x < T::ZERO { T::ZERO } else { x };
    above + log1p_of_fraction(exp_below_overflow(-x.abs()))
}

/// `-ln(1 + e^-x)`.
#[inline(always)]
pub fn log_sigmoid<T: Logarithm + Exponential>(x: T) -> T {
    -softplus(-x)
}

/// `ln(x + sqrt(x^2 + 1))`.
#[inline(always)]
pub fn asinh<T: Logarithm>(x: T) -> T {
    let a = x.abs();
    let square = a * a;
    let inner = a + square / (T::ONE + (square + T::ONE).sqrt());
    log1p_or_twice(inner, a).copysign(x)
}

/// `ln(x + sqrt(x^2 - 1))` for `x >= 1`.
#[inline(always)]
pub fn acosh<T: Logarithm>(x: T) -> T {
    let t = x - T::ONE;
    let inner = t + (t * (x + T::ONE)).sqrt();
    let y = log1p_or_twice(inner, x);
    if x < T::ONE {
        T::NAN
    } else {
        y
    }
}

/// `log1p(inner)`, or `log(2 a)` where `a` is large.
#[inline(always)]
fn log1p_or_twice<T: Logarithm>(inner: T, a: T) -> T {
    let large = a > T::LARGE;
    let y = log1p(if large { a } else { inner });
    y + if large {
        T::from_f64(std::f64::consts::LN_2)
    } else {
        T::ZERO
    }
}

/// `ln((1 + x) / (1 - x)) / 2`.
#[inline(always)]
pub fn atanh<T: Logarithm>(x: T) -> T {
    let a = x.abs();
    let ratio = (a + a) / (T::ONE - a);
    (T::from_f64(0.5) * log1p(ratio)).copysign(x)
}
