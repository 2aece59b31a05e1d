//! Elementary and special functions in plain, branch-free arithmetic.
//!
//! The polynomials are minimax fits (Remez exchange at 50 digits) of the function that each
//! constant's comment names. Reductions follow Cody and Waite, *Software Manual for the Elementary
//! Functions* (1980), and Muller, *Elementary Functions* (3rd ed., 2016). Errors are at most 3 ulp
//! for `f32`, and for `f64` at most 1e-14 relative, except beside the zeros of `lgamma` on the
//! negative axis and of `digamma`, where the error is 1e-14 absolute. Subnormal numbers are kept.

mod erf;
mod exp;
mod gamma;
mod inverse;
mod log;
mod power;
mod trig;

#[cfg(test)]
mod edge_tests;
#[cfg(test)]
mod tests;

pub use erf::{erf, erf_f32, erfinv, erfinv_f32, gelu, gelu_slope};
pub use exp::{cosh, exp, expm1, sigmoid, silu, sinh, tanh};
pub use gamma::{digamma, lgamma};
pub use inverse::{acos, asin, atan, atan2};
pub use log::{acosh, asinh, atanh, log, log1p, log_one_and_exps, log_sigmoid, softplus};
pub use power::{pow, pow_f32};
pub use trig::{cos, cos_f32, sin, sin_f32, tan};

use super::float::Float;

/// `c[0] + c[1] x + c[2] x^2 + ...` by Horner's rule.
#[inline(always)]
fn poly<T: Float, const N: usize>(x: T, c: &[T; N]) -> T {
    let mut sum = c[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// `x` between `low` and `high`; NaN stays NaN.
#[inline(always)]
fn clamp<T: Float>(x: T, low: T, high: T) -> T {
    let x = if x < low { low } else { x };
    if x > high {
        high
    } else {
        x
    }
}
