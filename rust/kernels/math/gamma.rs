//! The logarithm of the gamma function and its derivative.

use super::poly;
use std::f64::consts::PI;

/// `ln(gamma(2 + t)) / t` for `|t| <= 1/2`, relative error 2^-59.
const NEAR_TWO: [f64; 19] = [
    0.42278433509846713,
    0.32246703342411326,
    -0.06735230105319832,
    0.020580808427780435,
    -0.007385551028648893,
    0.002890510331031986,
    -0.0011927539127895772,
    0.0005096695154480963,
    -0.0002231547345731907,
    9.945767334723121e-05,
    -4.492653740888631e-05,
    2.0505590268466884e-05,
    -9.437197960012389e-06,
    4.384715443845311e-06,
    -2.0498925626379212e-06,
    9.200072009781445e-07,
    -4.1978029812829244e-07,
    2.7880279604333274e-07,
    -1.435001939389746e-07,
];
/// `x (ln(gamma(x)) - (x - 1/2) ln x + x - ln(2 pi) / 2)` in `1 / x^2`, `x >= 8.49`, 2^-65.
const STIRLING: [f64; 7] = [
    0.08333333333333333,
    -0.002777777777772488,
    0.000793650789489793,
    -0.0005952366481586333,
    0.0008414910657864495,
    -0.0018922561770545016,
    0.005120125716518026,
];
/// `x^2 (ln x - 1 / 2x - digamma(x))` in `1 / x^2`, `x >= 10`, 2^-69.
const ASYMPTOTIC: [f64; 7] = [
    0.08333333333333333,
    -0.008333333333310242,
    0.003968253948131647,
    -0.004166658332444564,
    0.007573902454542094,
    -0.020863532452683735,
    0.06826319869297602,
];
const LN_PI: f64 = 1.1447298858494002;
/// `(ln(2 pi) - 1) / 2`.
const HALF_LN_2_PI_LESS_HALF: f64 = 0.4189385332046728;

/// `ln |gamma(x)|`; infinite at 0, -1, -2, ...
///
/// Stirling's series above 8.5; below, the recurrence `gamma(x + 1) = x gamma(x)` leads to
/// `[1.5, 2.5]`; for negative `x`, `gamma(x) gamma(1 - x) = pi / sin(pi x)`.
#[inline(always)]
pub fn lgamma(x: f64) -> f64 {
    let negative = x < 0.0;
    let a = if negative { 1.0 - x } else { x };
    let large = a >= 8.5;
    let mut product = 1.0;
    let mut y = a;
    for _ in 0..6 {
        let above = y > 2.5;
        let less = y - 1.0;
        y = if above { less } else { y };
        product *= if above { less } else { 1.0 };
    }
    let one_up = a * (a + 1.0);
    let low = a < 1.5;
    let lowest = a < 0.5;
    let t = if low { a - 1.0 } else { y - 2.0 };
    let t = if lowest { a } else { t };
    let product = if low { a } else { product };
    let product = if lowest { one_up } else { product };
    let log = super::log(if large { a } else { product });
    let small = t.mul_add(poly(t, &NEAR_TWO), if low { -log } else { log });
    let inverse = 1.0 / a;
    let series = inverse * poly(inverse * inverse, &STIRLING);
    let big = (a - 0.5).mul_add(log - 1.0, HALF_LN_2_PI_LESS_HALF + series);
    let above = if large { big } else { small };
    let sine = super::sin(PI * (x - x.round_ties_even()));
    let mirrored = LN_PI - super::log(sine.abs()) - above;
    let y = if negative { mirrored } else { above };
    if a == f64::INFINITY {
        a
    } else {
        y
    }
}

/// The derivative of `ln(gamma(x))`; NaN at -1, -2, ...
///
/// `digamma(x) = digamma(x + 1) - 1/x` leads to `x >= 10`; for negative `x`,
/// `digamma(x) = digamma(1 - x) - pi / tan(pi x)`.
#[inline(always)]
pub fn digamma(x: f64) -> f64 {
    let negative = x < 0.0;
    let mut y = if negative { 1.0 - x } else { x };
    // above / below = 1/y + 1/(y + 1) + ...
    let (mut above, mut below) = (0.0f64, 1.0);
    for _ in 0..10 {
        let step = y < 10.0;
        let sum = above.mul_add(y, below);
        above = if step { sum } else { above };
        below *= if step { y } else { 1.0 };
        y += if step { 1.0 } else { 0.0 };
    }
    let inverse = 1.0 / y;
    let u = inverse * inverse;
    let tail = 0.5f64.mul_add(inverse, u * poly(u, &ASYMPTOTIC));
    let right = super::log(y) - tail - above / below;
    let turn = x - x.round_ties_even();
    let left = right - PI / super::tan(PI * turn);
    let left = if turn == 0.0 || turn.is_nan() {
        f64::NAN
    } else {
        left
    };
    if negative {
        left
    } else {
        right
    }
}
