//! Special values, functions of two numbers, and functions that C lacks.

// A closure carries `inline(always)` into the loop; a function's name does not.
#![allow(clippy::redundant_closure)]

use super::tests::{c, libm, values};
use crate::kernels::float::Float;

fn assert_table<T: Float>(name: &str, f: impl Fn(T) -> T, rows: &[(f64, f64)]) {
    for (x, expected) in rows {
        let y = f(T::from_f64(*x)).to_f64();
        let expected = T::from_f64(*expected).to_f64();
        let same = y == expected && y.is_sign_negative() == expected.is_sign_negative();
        assert!(
            same || (y.is_nan() && expected.is_nan()),
            "{name}({x}) = {y}, expected {expected}"
        );
    }
}

fn special_values<T: Float>() {
    use std::f64::consts::FRAC_PI_2;
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let odd = [(0.0, 0.0), (-0.0, -0.0), (nan, nan)];
    type Row<T> = (&'static str, fn(T) -> T, f64);
    let to_infinity: [Row<T>; 9] = [
        ("sinh", T::sinh, inf),
        ("asinh", T::asinh, inf),
        ("tanh", T::tanh, 1.0),
        ("atan", T::atan, FRAC_PI_2),
        ("erf", T::erf, 1.0),
        ("sin", T::sin, nan),
        ("tan", T::tan, nan),
        ("asin", T::asin, nan),
        ("erfinv", T::erfinv, nan),
    ];
    for (name, f, limit) in to_infinity {
        assert_table(name, f, &odd);
        assert_table(name, f, &[(inf, limit), (-inf, -limit)]);
    }
    assert_table(
        "exp",
        T::exp,
        &[(0.0, 1.0), (inf, inf), (-inf, 0.0), (nan, nan)],
    );
    assert_table(
        "expm1",
        T::expm1,
        &[(-0.0, -0.0), (inf, inf), (-inf, -1.0), (nan, nan)],
    );
    assert_table(
        "log",
        T::log,
        &[
            (1.0, 0.0),
            (-0.0, -inf),
            (inf, inf),
            (-1.0, nan),
            (nan, nan),
        ],
    );
    assert_table(
        "log1p",
        T::log1p,
        &[(-0.0, -0.0), (-1.0, -inf), (inf, inf), (-2.0, nan)],
    );
    assert_table(
        "atanh",
        T::atanh,
        &[(-0.0, -0.0), (1.0, inf), (-1.0, -inf), (1.5, nan)],
    );
    assert_table(
        "acosh",
        T::acosh,
        &[(1.0, 0.0), (inf, inf), (0.5, nan), (-3.0, nan)],
    );
    assert_table("erfinv", T::erfinv, &[(1.0, inf), (-1.0, -inf), (1.5, nan)]);
    assert_table(
        "sigmoid",
        T::sigmoid,
        &[(0.0, 0.5), (inf, 1.0), (-inf, 0.0), (nan, nan)],
    );
    assert_table(
        "softplus",
        T::softplus,
        &[(inf, inf), (-inf, 0.0), (1e4, 1e4), (nan, nan)],
    );
    assert_table(
        "log_sigmoid",
        T::log_sigmoid,
        &[(-inf, -inf), (-1e4, -1e4), (inf, -0.0)],
    );
    assert_table(
        "silu",
        T::silu,
        &[(inf, inf), (-inf, -0.0), (0.0, 0.0), (nan, nan)],
    );
    assert_table(
        "lgamma",
        T::lgamma,
        &[(1.0, 0.0), (2.0, 0.0), (0.0, inf), (-3.0, inf), (-inf, inf)],
    );
    assert_table(
        "digamma",
        T::digamma,
        &[(0.0, -inf), (-0.0, inf), (-2.0, nan), (inf, inf)],
    );
    assert_table(
        "round",
        T::round_even,
        &[(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, -0.0)],
    );
    assert_table(
        "sign",
        T::sign,
        &[(-7.0, -1.0), (-0.0, -0.0), (0.3, 1.0), (nan, nan)],
    );
    assert_table(
        "max",
        |x: T| x.max(T::ZERO),
        &[(nan, nan), (-1.0, 0.0), (2.0, 2.0)],
    );
    assert_table(
        "min",
        |x: T| T::ZERO.min(x),
        &[(nan, nan), (-1.0, -1.0), (2.0, 0.0)],
    );
}

#[test]
fn special_values_are_right() {
    special_values::<f32>();
    special_values::<f64>();
}

/// Every pair of zeros, ones, halves, integers, infinities, NaN and extremes against C.
#[test]
fn functions_of_two_numbers_agree_with_c() {
    let edges = [
        0.0,
        0.5,
        1.0,
        2.0,
        3.0,
        1e-310,
        1e300,
        9007199254740993.0,
        f64::INFINITY,
        f64::NAN,
    ];
    let edges: Vec<f64> = edges.iter().flat_map(|v| [*v, -*v]).collect();
    let agree = |what: &str, got: f64, expected: f64| {
        let same = got == expected && got.is_sign_negative() == expected.is_sign_negative();
        let close = ((got - expected) / expected).abs() < 1e-14;
        assert!(
            same || close || (got.is_nan() && expected.is_nan()),
            "{what}: {got}, {expected}"
        );
    };
    for a in &edges {
        for b in &edges {
            agree(&format!("pow({a}, {b})"), Float::pow(*a, *b), a.powf(*b));
            let (single, wide) = ((*a as f32, *b as f32), (*a as f32 as f64, *b as f32 as f64));
            let got = Float::pow(single.0, single.1);
            let expected = wide.0.powf(wide.1) as f32;
            let close = got.to_bits().abs_diff(expected.to_bits()) <= 1;
            assert!(
                close || (got.is_nan() && expected.is_nan()),
                "pow({a}, {b}) in f32: {got}, {expected}"
            );
            agree(
                &format!("atan2({a}, {b})"),
                Float::atan2(*a, *b),
                a.atan2(*b),
            );
        }
    }
    for i in 0..20_000 {
        let x = (((i * 7919) % 4001) as f64 * 0.01 - 20.0).exp();
        let y = ((i * 104_729) % 3001) as f64 * 0.02 - 30.0;
        agree(&format!("pow({x}, {y})"), Float::pow(x, y), x.powf(y));
        agree(&format!("atan2({y}, {x})"), Float::atan2(y, x), y.atan2(x));
        let single = Float::pow(x as f32, y as f32);
        let exact = (x as f32 as f64).powf(y as f32 as f64) as f32;
        let ulps = single.to_bits().abs_diff(exact.to_bits());
        assert!(ulps <= 1, "pow({x}, {y}): {single}, {exact}");
    }
}

#[test]
fn powers_of_integers_are_exact() {
    for base in 1..=200i32 {
        for k in 1..12 {
            let exact = (base as f64).powi(k);
            if exact < 9e15 {
                let sign = if k % 2 == 1 { -1.0 } else { 1.0 };
                assert_eq!(Float::pow(base as f64, k as f64), exact, "{base}^{k}");
                assert_eq!(
                    Float::pow(-base as f64, k as f64),
                    sign * exact,
                    "-{base}^{k}"
                );
            }
        }
    }
}

#[test]
fn erfinv_inverts_erf() {
    let x: Vec<f64> = (-4999..5000).map(|i| i as f64 * 1.9999e-4).collect();
    for (x, y) in x.iter().zip(values(
        &x,
        #[inline(always)]
        |v| <f64 as Float>::erfinv(v),
    )) {
        // dx = 2 / sqrt(pi) exp(-y^2) dy
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-y * y).exp();
        let error = (<f64 as Float>::erf(y) - x).abs();
        assert!(
            error <= 1e-15 * slope * y.abs() + 3e-16 * x.abs(),
            "{x}: {error}"
        );
    }
    let x: Vec<f32> = x.iter().map(|v| *v as f32).collect();
    for (x, y) in x.iter().zip(values(
        &x,
        #[inline(always)]
        |v| <f32 as Float>::erfinv(v),
    )) {
        let exact = <f64 as Float>::erfinv(*x as f64);
        assert!(
            (y as f64 - exact).abs() <= 2.0 * f32::EPSILON as f64 * exact.abs(),
            "{x}: {y}"
        );
    }
    // 1 - x is 2^-53: by mpmath at 50 digits.
    let tail = <f64 as Float>::erfinv(1.0 - f64::EPSILON / 2.0);
    assert!((tail / 5.863584748755167 - 1.0).abs() < 1e-14, "{tail}");
}

#[test]
fn digamma_and_negative_lgamma() {
    // By mpmath at 30 digits.
    let rows = [
        (1.0, -0.5772156649015329),
        (0.5, -1.9635100260214235),
        (10.5, 2.3030010342976865),
        (-0.5, 0.03648997397857652),
        (-10.3, 4.662403493582087),
        (1e8, 18.42068073895237),
    ];
    for (x, expected) in rows {
        let y = Float::digamma(x);
        assert!(
            (y - expected).abs() < 1e-14 * (1.0 + y.abs()),
            "digamma({x}) = {y}"
        );
    }
    let x: Vec<f64> = (0..8000)
        .map(|i| -0.000_37 - 0.012_345 * i as f64)
        .collect();
    for (x, y) in x.iter().zip(values(
        &x,
        #[inline(always)]
        |v| <f64 as Float>::lgamma(v),
    )) {
        let expected = c(libm::lgamma)(*x);
        assert!(
            (y - expected).abs() < 4e-15 * (1.0 + expected.abs()),
            "lgamma({x}) = {y}"
        );
    }
}
