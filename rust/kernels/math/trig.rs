//! Sine, cosine and tangent: `x = n pi/2 + r` with `|r| <= pi/4`.
//!
//! The reduction is exact enough for `|x| < 2^49` (and `f32` is reduced in `f64`); beyond, results
//! stay in range but have no meaning.

use super::{clamp, poly};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// `(sin(r) / r - 1) / r^2` in `r^2`, relative error 2^-28.
const SIN_F32: [f32; 3] = [-0.16666655, 0.008332176, -0.00019516976];
/// `(cos(r) - 1 + r^2 / 2) / r^4` in `r^2`, 2^-33.
const COS_F32: [f32; 3] = [0.041666646, -0.0013887313, 2.443281e-05];
/// As [`SIN_F32`], 2^-58.
const SIN_F64: [f64; 6] = [
    -0.16666666666666632,
    0.00833333333332237,
    -0.0001984126982977111,
    2.7557313678646725e-06,
    -2.505075595864214e-08,
    1.589666636076739e-10,
];
/// As [`COS_F32`], 2^-64.
const COS_F64: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888872975,
    2.4801587288800086e-05,
    -2.755731416399245e-07,
    2.0875698710554027e-09,
    -1.1358423614714733e-11,
];

/// `(n mod 4, r)`.
#[inline(always)]
fn reduce(x: f64) -> (u64, f64) {
    const ROUND: f64 = 6755399441055744.0; // 1.5 * 2^52: the low bits hold n
    let shifted = x.mul_add(FRAC_2_PI, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-FRAC_PI_2, x);
    let r = n.mul_add(-6.123233995736765e-17, r);
    let r = n.mul_add(-1.082856673921914e-32, r);
    (shifted.to_bits(), clamp(r, -0.8, 0.8))
}

/// `(sin r, cos r)`.
#[inline(always)]
fn sin_cos(r: f64) -> (f64, f64) {
    let z = r * r;
    let sin = (r * z).mul_add(poly(z, &SIN_F64), r).copysign(r);
    let half = 0.5 * z;
    let one = 1.0 - half;
    let cos = one + (z * z).mul_add(poly(z, &COS_F64), (1.0 - one) - half);
    (sin, cos)
}

#[inline(always)]
fn negate_if(x: f64, quadrant_bit: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ (quadrant_bit << 62 & 1 << 63))
}

/// `sin x`.
#[inline(always)]
pub fn sin(x: f64) -> f64 {
    let (n, r) = reduce(x);
    let (s, c) = sin_cos(r);
    negate_if(if n & 1 == 0 { s } else { c }, n & 2)
}

/// `cos x`.
#[inline(always)]
pub fn cos(x: f64) -> f64 {
    let (n, r) = reduce(x);
    let (s, c) = sin_cos(r);
    negate_if(if n & 1 == 0 { c } else { s }, n.wrapping_add(1) & 2)
}

/// `sin x / cos x`.
#[inline(always)]
pub fn tan(x: f64) -> f64 {
    let (n, r) = reduce(x);
    let (s, c) = sin_cos(r);
    let above = if n & 1 == 0 { s } else { -c };
    let below = if n & 1 == 0 { c } else { s };
    above / below
}

/// As [`reduce`], for a value of `f32`.
#[inline(always)]
fn reduce_f32(x: f32) -> (u32, f32) {
    const ROUND: f64 = 6755399441055744.0;
    let x = x as f64;
    let shifted = x.mul_add(FRAC_2_PI, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-FRAC_PI_2, x);
    let r = n.mul_add(-6.123233995736766e-17, r);
    (shifted.to_bits() as u32, clamp(r as f32, -0.8, 0.8))
}

#[inline(always)]
fn sin_cos_f32(r: f32) -> (f32, f32) {
    let z = r * r;
    let sin = (r * z).mul_add(poly(z, &SIN_F32), r).copysign(r);
    let cos = (z * z).mul_add(poly(z, &COS_F32), z.mul_add(-0.5, 1.0));
    (sin, cos)
}

#[inline(always)]
fn negate_if_f32(x: f32, quadrant_bit: u32) -> f32 {
    f32::from_bits(x.to_bits() ^ (quadrant_bit << 30 & 1 << 31))
}

/// `sin x`.
#[inline(always)]
pub fn sin_f32(x: f32) -> f32 {
    let (n, r) = reduce_f32(x);
    let (s, c) = sin_cos_f32(r);
    negate_if_f32(if n & 1 == 0 { s } else { c }, n & 2)
}

/// `cos x`.
#[inline(always)]
pub fn cos_f32(x: f32) -> f32 {
    let (n, r) = reduce_f32(x);
    let (s, c) = sin_cos_f32(r);
    negate_if_f32(if n & 1 == 0 { c } else { s }, n.wrapping_add(1) & 2)
}
