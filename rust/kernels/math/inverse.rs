//! Inverse sine, cosine and tangent.

use super::poly;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// `pi/2 - FRAC_PI_2`.
const FRAC_PI_2_LOW: f64 = 6.123233995736766e-17;
/// `(atan(t) / t - 1) / t^2` in `t^2`, `|t| <= sqrt(2) - 1`, relative error 2^-64.
const ATAN: [f64; 12] = [
    -0.33333333333333326,
    0.1999999999999767,
    -0.1428571428538813,
    0.11111111088184615,
    -0.09090908144756617,
    0.07692282763479275,
    -0.06666226824083116,
    0.0587702241093068,
    -0.05218408084495496,
    0.04503563458651345,
    -0.03347476061672952,
    0.015195438472709584,
];
/// `(asin(s) / s - 1) / s^2` in `s^2`, `|s| <= 1/2`, 2^-60.
const ASIN: [f64; 13] = [
    0.16666666666666763,
    0.07499999999969924,
    0.04464285717546094,
    0.03038194266652395,
    0.022372216162174705,
    0.017351590735491047,
    0.01398107748084756,
    0.011396796468833095,
    0.010792181664897637,
    0.003661096993889557,
    0.021818298155251176,
    -0.021156782114973394,
    0.03272778848908699,
];

/// `atan x`: `x` is turned by 0, 45 or 90 degrees into `|t| <= tan(22.5 degrees)`.
#[inline(always)]
pub fn atan(x: f64) -> f64 {
    let a = x.abs();
    let middle = a > 0.414_213_562_373_095_03;
    let steep = a > 2.414_213_562_373_095;
    let above = if middle { a - 1.0 } else { a };
    let above = if steep { -1.0 } else { above };
    let below = if middle { a + 1.0 } else { 1.0 };
    let below = if steep { a } else { below };
    let t = above / below;
    let angle = if middle { FRAC_PI_4 } else { 0.0 };
    let angle = if steep { FRAC_PI_2 } else { angle };
    let low = if middle { 0.5 * FRAC_PI_2_LOW } else { 0.0 };
    let low = if steep { FRAC_PI_2_LOW } else { low };
    let z = t * t;
    let rest = (t * z).mul_add(poly(z, &ATAN), low);
    (angle + (t + rest)).copysign(x)
}

/// The angle of the point `(x, y)` in `[-pi, pi]`, zeros and infinities as in C.
#[inline(always)]
pub fn atan2(y: f64, x: f64) -> f64 {
    let (a, b) = (y.abs(), x.abs());
    let steep = a > b;
    let above = if steep { b } else { a };
    let below = if steep { a } else { b };
    let ratio = above / below;
    let ratio = if below == 0.0 { 0.0 } else { ratio };
    let ratio = if above == f64::INFINITY { 1.0 } else { ratio };
    let angle = atan(ratio);
    let complement = FRAC_PI_2 - (angle - FRAC_PI_2_LOW);
    let angle = if steep { complement } else { angle };
    let supplement = PI - (angle - 2.0 * FRAC_PI_2_LOW);
    let angle = if x.is_sign_negative() {
        supplement
    } else {
        angle
    };
    let angle = if x.is_nan() { x } else { angle };
    let angle = if y.is_nan() { y } else { angle };
    angle.copysign(y)
}

/// `(s, asin(s) - s)` of `s = |x|`, or of `s = sqrt((1 - |x|) / 2)` where `|x| > 1/2`.
#[inline(always)]
fn half_angle(a: f64) -> (f64, f64) {
    let half = (1.0 - a) * 0.5;
    let z = if a > 0.5 { half } else { a * a };
    let s = if a > 0.5 { half.sqrt() } else { a };
    (s, s * z * poly(z, &ASIN))
}

/// `asin x`; `pi/2 - 2 asin(sqrt((1 - x) / 2))` above 1/2.
#[inline(always)]
pub fn asin(x: f64) -> f64 {
    let a = x.abs();
    let (s, rest) = half_angle(a);
    let near_one = FRAC_PI_2 - (2.0 * (s + rest) - FRAC_PI_2_LOW);
    (if a > 0.5 { near_one } else { s + rest }).copysign(x)
}

/// `acos x`; `2 asin(sqrt((1 - x) / 2))` above 1/2.
#[inline(always)]
pub fn acos(x: f64) -> f64 {
    let a = x.abs();
    let (s, rest) = half_angle(a);
    let angle = s + rest;
    let middle = FRAC_PI_2 - (angle.copysign(x) - FRAC_PI_2_LOW);
    let twice = 2.0 * angle;
    let behind = PI - (twice - 2.0 * FRAC_PI_2_LOW);
    let far = if x < 0.0 { behind } else { twice };
    if a > 0.5 {
        far
    } else {
        middle
    }
}
