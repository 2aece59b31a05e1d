//! The exponential and the functions made of it: `x = n ln 2 + r`, `e^x = 2^n (1 + q(r))`.

use super::{clamp, poly};
use crate::kernels::float::Float;

/// What the exponential needs of a type's format.
pub trait Exponential: Float {
    /// Here and below, `e^x` rounds to 0.
    const LOWEST: Self;
    /// Above, `e^x` overflows.
    const HIGHEST: Self;
    /// `(n, e^r - 1)` of `x + c = n ln 2 + r` with `|r| <= ln 2 / 2` and a correction `c` far
    /// below `x`.
    fn reduce(x: Self, c: Self) -> (Self, Self);
    /// `2^n` for an integral `n` in the range of normal exponents.
    fn power_of_two(n: Self) -> Self;
    /// The integer nearest to `n / 2`.
    fn half(n: Self) -> Self;
}

/// `(e^r - 1 - r) / r^2` for `|r| <= ln 2 / 2`, relative error of `e^r - 1` 2^-26.
pub(super) const EXP_F32: [f32; 5] = [
    0.49999997,
    0.16666543,
    0.0416672,
    0.0083665475,
    0.0013882518,
];
/// As [`EXP_F32`], 2^-62.
const EXP_F64: [f64; 11] = [
    0.5,
    0.16666666666666677,
    0.04166666666666651,
    0.008333333333321653,
    0.0013888888888962541,
    0.00019841269886074897,
    2.480158717233378e-05,
    2.7557244252791644e-06,
    2.7557402698436586e-07,
    2.5109024929756194e-08,
    2.0875350343152156e-09,
];

impl Exponential for f32 {
    const LOWEST: f32 = -104.0;
    const HIGHEST: f32 = 89.0;

    #[inline(always)]
    fn reduce(x: f32, c: f32) -> (f32, f32) {
        // Adding 1.5 * 2^23 leaves an integer in the low bits: rounding without an instruction.
        const ROUND: f32 = 12582912.0;
        let n = x.mul_add(std::f32::consts::LOG2_E, ROUND) - ROUND;
        let r = n.mul_add(-0.693_145_75, x); // ln 2 in two parts
        let r = n.mul_add(-1.428_606_8e-6, r) + c;
        (n, (r * r).mul_add(poly(r, &EXP_F32), r))
    }

    #[inline(always)]
    fn power_of_two(n: f32) -> f32 {
        f32::from_bits((n + (12582912.0 + 127.0)).to_bits() << 23)
    }

    #[inline(always)]
    fn half(n: f32) -> f32 {
        n.mul_add(0.5, 12582912.0) - 12582912.0
    }
}

impl Exponential for f64 {
    const LOWEST: f64 = -746.0;
    const HIGHEST: f64 = 710.0;

    #[inline(always)]
    fn reduce(x: f64, c: f64) -> (f64, f64) {
        const ROUND: f64 = 6755399441055744.0; // 1.5 * 2^52
        let n = x.mul_add(std::f64::consts::LOG2_E, ROUND) - ROUND;
        let r = n.mul_add(-super::log::LN_2_HIGH, x);
        let r = n.mul_add(-super::log::LN_2_LOW, r) + c;
        (n, (r * r).mul_add(poly(r, &EXP_F64), r))
    }

    #[inline(always)]
    fn power_of_two(n: f64) -> f64 {
        f64::from_bits((n + (6755399441055744.0 + 1023.0)).to_bits() << 52)
    }

    #[inline(always)]
    fn half(n: f64) -> f64 {
        n.mul_add(0.5, 6755399441055744.0) - 6755399441055744.0
    }
}

/// `2^n (1 + q)` for any `n`: in two steps, so that only the result overflows or is subnormal.
#[inline(always)]
pub(super) fn scale<T: Exponential>(n: T, q: T) -> T {
    let half = T::half(n);
    let first = T::power_of_two(half);
    q.mul_add(first, first) * T::power_of_two(n - half)
}

/// `e^x`. Where it rounds to 0, nothing subnormal is reckoned on the way: attention of 64 places under
/// a causal mask, half of whose scores vanish, ran 1.6 times as fast without (Emerald Rapids).
#[inline(always)]
pub fn exp<T: Exponential>(x: T) -> T {
    exp_below_overflow(if x > T::HIGHEST { T::HIGHEST } else { x })
}

/// `(e^x - 1) / 4`, which is finite wherever `sinh` is.
#[inline(always)]
fn quarter_expm1<T: Exponential>(x: T) -> T {
    let four = T::from_f64(4.0);
    let highest = T::HIGHEST + T::from_f64(0.6);
    let (n, q) = T::reduce(clamp(x, T::from_f64(-40.0), highest), T::ZERO);
    let s = T::power_of_two(n - (T::ONE + T::ONE));
    q.mul_add(s, s - T::ONE / four)
}

/// `e^x - 1`, accurate near 0.
#[inline(always)]
pub fn expm1<T: Exponential>(x: T) -> T {
    identity_near_zero(x, quarter_expm1(x) * T::from_f64(4.0))
}

/// `y`, or `x` where `|x|` is so small that `x + x^2` rounds to `x`.
#[inline(always)]
fn identity_near_zero<T: Float>(x: T, y: T) -> T {
    if x.abs() < T::EPSILON * T::from_f64(0.25) {
        x
    } else {
        y
    }
}

/// `(e^x - e^-x) / 2 = (m + m / (m + 1)) / 2` with `m = e^x - 1`.
#[inline(always)]
pub fn sinh<T: Exponential>(x: T) -> T {
    let half = quarter_expm1(x.abs()) * T::from_f64(2.0);
    let m = half + half;
    let tail = if m < T::INFINITY {
        half / (m + T::ONE)
    } else {
        T::ZERO
    };
    identity_near_zero(x, (half + tail).copysign(x))
}

/// `(e^x + e^-x) / 2`.
#[inline(always)]
pub fn cosh<T: Exponential>(x: T) -> T {
    let a = clamp(x.abs(), T::ZERO, T::HIGHEST + T::ONE);
    let (n, q) = T::reduce(a, T::ZERO);
    let half = scale(n - T::ONE, q);
    half + T::from_f64(0.25) / half
}

/// `(e^x - e^-x) / (e^x + e^-x) = -m / (m + 2)` with `m = e^(-2x) - 1`, for `x >= 0`.
#[inline(always)]
pub fn tanh<T: Exponential>(x: T) -> T {
    let x2 = x.abs() * T::from_f64(-2.0);
    let x2 = if x2 < T::from_f64(-40.0) {
        T::from_f64(-40.0)
    } else {
        x2
    };
    let (n, q) = T::reduce(x2, T::ZERO);
    let s = T::power_of_two(n);
    let m = q.mul_add(s, s - T::ONE);
    (m / (m + T::from_f64(2.0))).copysign(x)
}

/// `1 / (1 + e^-x)`; relative accuracy in both tails.
#[inline(always)]
pub fn sigmoid<T: Exponential>(x: T) -> T {
    let e = exp_below_overflow(-x.abs());
    let above = if x < T::ZERO { e } else { T::ONE };
    above / (e + T::ONE)
}

/// `x / (1 + e^-x)`; -0 at minus infinity.
#[inline(always)]
pub fn silu<T: Exponential>(x: T) -> T {
    // Below, x e^x rounds to 0.
    let lowest = T::LOWEST * T::from_f64(1.06);
    let x = if x < lowest { lowest } else { x };
    let a = -x.abs();
    let (n, q) = T::reduce(if a < lowest { lowest } else { a }, T::ZERO);
    let half = T::half(n);
    let first = T::power_of_two(half);
    let (e, second) = (q.mul_add(first, first), T::power_of_two(n - half));
    // x e^x, rounded once where it is subnormal.
    let product = e * x * second;
    let above = if x < T::ZERO { product } else { x };
    above / e.mul_add(second, T::ONE)
}

/// `e^x` for `x <= HIGHEST`.
#[inline(always)]
pub(super) fn exp_below_overflow<T: Exponential>(x: T) -> T {
    let vanishes = x <= T::LOWEST;
    let (n, q) = T::reduce(if vanishes { T::ZERO } else { x }, T::ZERO);
    let power = scale(n, q);
    if vanishes {
        T::ZERO
    } else {
        power
    }
}

/// `e^x` for `x <= 0`, at least 1e-304: to be added to 1, beside which less is nothing.
#[inline(always)]
pub(super) fn exp_beside_one(x: f64) -> f64 {
    let (n, q) = f64::reduce(if x < -700.0 { -700.0 } else { x }, 0.0);
    let s = f64::power_of_two(n);
    q.mul_add(s, s)
}
