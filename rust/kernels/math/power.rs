//! The power function.

use super::clamp;
use super::exp::{scale, Exponential};
use super::log::{log_ratio, Logarithm, LN_2_HIGH, LN_2_LOW};

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

    let grows = (a > 1.0) == (y > 0.0);
    let limit = if grows { f64::INFINITY } else { 0.0 };
    let limit = if a == 1.0 { 1.0 } else { limit };
    let edge = a == 0.0 || a == f64::INFINITY || y.abs() == f64::INFINITY;
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
    let undefined = (x < 0.0) & (a < f64::INFINITY) & !integral;
    let power = if undefined { f64::NAN } else { power };

    let power = if y == 2.0 { x * x } else { power };
    let power = if y == -1.0 { 1.0 / x } else { power };
    let power = if y == 1.0 || x.is_nan() { x } else { power };
    let power = if y.is_nan() { y } else { power };
    if y == 0.0 || x == 1.0 {
        1.0
    } else {
        power
    }
}
