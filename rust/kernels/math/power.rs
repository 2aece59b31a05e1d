//! The power function.

use super::exp::{scale, Exponential, EXP_F32};
use super::log::{log_ratio, Logarithm, LN_2_HIGH, LN_2_LOW};
use super::{clamp, poly};

/// `(high, low)` of `ln x` for finite `x > 0`: the quotient `f / (2 + f)` and the sum with
/// `k ln 2` keep their rounding errors.
#[inline(always)]
fn log_in_two(x: f64) -> (f64, f64) {
    let (k, f) = f64::split(x);
    let d = 2.0 + f;
    let d_low = f - (d - 2.0);
    let s = f / d;
    let s_low = (s.mul_add(-d, f) - s * d_low) / d;
    let (first, second) = (k * LN_2_HIGH, 2.0 * s);
    let sum = first + second;
    let low = (first - sum) + second;
    let rest = s.mul_add(log_ratio(s), 2.0 * s_low);
    let low = low + k.mul_add(LN_2_LOW, rest);
    let high = sum + low;
    (high, (sum - high) + low)
}

/// The power of `x` and `y` from one that is right for finite, positive `|x|` and finite `y`.
macro_rules! specials {
    ($t:ty, $x:expr, $y:expr, $power:expr) => {{
        let (x, y, power): ($t, $t, $t) = ($x, $y, $power);
        let a = x.abs();
        let grows = (a > 1.0) == (y > 0.0);
        let limit = if grows { <$t>::INFINITY } else { 0.0 };
        let limit = if a == 1.0 { 1.0 } else { limit };
        let edge = a == 0.0 || a == <$t>::INFINITY || y.abs() == <$t>::INFINITY;
        let power = if edge { limit } else { power };

        let half = y * 0.5;
        let integral = y.trunc() == y;
        let odd = integral & (half.trunc() != half);
        let negated = -power;
        let power = if odd & x.is_sign_negative() {
            negated
        } else {
            power
        };
        let power = if y == 0.5 { a.sqrt() } else { power };
        let undefined = (x < 0.0) & (a < <$t>::INFINITY) & !integral;
        let power = if undefined { <$t>::NAN } else { power };

        let power = if y == 2.0 { x * x } else { power };
        let power = if y == -1.0 { 1.0 / x } else { power };
        let power = if y == 1.0 || x.is_nan() { x } else { power };
        let power = if y.is_nan() { y } else { power };
        if y == 0.0 || x == 1.0 {
            1.0
        } else {
            power
        }
    }};
}

/// `x^y = exp(y ln |x|)` with the sign of an odd power; special values as in C.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let (high, low) = log_in_two(a);
    let product = y * high;
    let rest = y.mul_add(high, -product) + y * low;
    let rest = if product.abs() < 800.0 { rest } else { 0.0 };
    let (n, q) = f64::reduce(clamp(product, f64::LOWEST, f64::HIGHEST), rest);
    let power = scale(n, q);

    specials!(f64, x, y, power)
}

/// `log2((1 + s) / (1 - s)) / s` in `z = s^2 <= (3 - sqrt(8))^2`, relative error 2^-37.
const LOG2: [f64; 5] = [
    2.8853900817900646,
    0.9617966733679032,
    0.5770835802438635,
    0.4116729910293569,
    0.3407252256276093,
];

/// As [`pow`], within 1 ulp: the logarithm in `f64`, all else in `f32`.
#[inline(always)]
pub fn pow_f32(x: f32, y: f32) -> f32 {
    const ROUND: f64 = 6755399441055744.0; // 1.5 * 2^52
    let a = x.abs();
    let (k, f) = f32::split(a);
    let f = f as f64;
    let s = f / (2.0 + f);
    let log2 = s.mul_add(poly(s * s, &LOG2), k as f64);
    let product = clamp(y as f64 * log2, -152.0, 130.0);
    let n = (product + ROUND) - ROUND;
    let r = ((product - n) * std::f64::consts::LN_2) as f32;
    let power = scale(n as f32, (r * r).mul_add(poly(r, &EXP_F32), r));
    specials!(f32, x, y, power)
}
