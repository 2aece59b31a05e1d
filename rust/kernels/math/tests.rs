//! Accuracy sweeps, special values, and the same bits under every instruction set.

use crate::kernels::float::Float;
use crate::kernels::isa::{dispatch_on, Isa, Kernel};

/// Both signs of every magnitude from subnormal to infinite, and a dense line over `[-20, 20]`.
fn samples<T: Float>() -> Vec<T> {
    let mut x: Vec<T> = Vec::new();
    let mut magnitude = T::MIN_POSITIVE.to_f64() * T::EPSILON.to_f64() * 100.0;
    while magnitude < T::MAX.to_f64() {
        x.push(T::from_f64(magnitude));
        x.push(T::from_f64(-magnitude));
        magnitude *= 1.0173;
    }
    x.extend((-40_000..=40_000).map(|i| T::from_f64(i as f64 * 0.000_500_3)));
    x.extend(
        [
            0.0,
            -0.0,
            1.0,
            -1.0,
            2.0,
            0.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ]
        .map(T::from_f64),
    );
    x
}

struct Map<'a, T, F> {
    x: &'a [T],
    out: &'a mut [T],
    f: F,
}

impl<T: Float, F: Fn(T) -> T> Kernel for Map<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (o, x) in self.out.iter_mut().zip(self.x) {
            *o = (self.f)(*x);
        }
    }
}

/// The values of `f`, after checking that every instruction set gives the same ones.
fn values<T: Float>(x: &[T], f: impl Fn(T) -> T + Copy) -> Vec<T> {
    let run = |isa| {
        let mut out = vec![T::ZERO; x.len()];
        dispatch_on(
            isa,
            Map {
                x,
                out: &mut out,
                f,
            },
        );
        out
    };
    let expected = run(Isa::Scalar);
    for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
        for ((a, b), x) in run(isa).iter().zip(&expected).zip(x) {
            let same = a == b && T::ONE.copysign(*a) == T::ONE.copysign(*b);
            assert!(
                same || (a.is_nan() && b.is_nan()),
                "{isa:?} at {x}: {a} and {b}"
            );
        }
    }
    expected
}

/// The largest error in units of the last place (of a normal number) over the samples in range.
fn worst<T: Float>(
    range: std::ops::RangeInclusive<f64>,
    f: impl Fn(T) -> T + Copy,
    exact: impl Fn(f64) -> f64,
) -> (f64, f64) {
    let x: Vec<T> = samples::<T>()
        .into_iter()
        .filter(|x| range.contains(&x.to_f64()))
        .collect();
    let mut worst = (0.0, 0.0);
    for (x, y) in x.iter().zip(values(&x, f)) {
        let expected = exact(x.to_f64());
        let rounded = T::from_f64(expected);
        if rounded.to_f64().is_nan() || rounded.to_f64().is_infinite() || y == rounded {
            let same = y == rounded || (y.is_nan() && rounded.is_nan());
            let edge = rounded.to_f64().is_infinite() && expected.is_finite();
            let close = edge || y.to_f64().abs() > 0.99 * T::MAX.to_f64();
            assert!(same || close, "f({x}) = {y}, expected {expected}");
            if same && y == rounded && y == T::ZERO {
                assert_eq!(
                    y.to_f64().is_sign_negative(),
                    expected.is_sign_negative(),
                    "f({x})"
                );
            }
            continue;
        }
        let ulp = (expected.abs() * T::EPSILON.to_f64() / std::f64::consts::SQRT_2)
            .max(T::MIN_POSITIVE.to_f64() * T::EPSILON.to_f64());
        let error = (y.to_f64() - expected).abs() / ulp;
        if error > worst.0 || error.is_nan() {
            worst = (error, x.to_f64());
        }
    }
    worst
}

fn stable_sigmoid(x: f64) -> f64 {
    if x < 0.0 {
        x.exp() / (1.0 + x.exp())
    } else {
        1.0 / (1.0 + (-x).exp())
    }
}

fn stable_silu(x: f64) -> f64 {
    let half = (0.5 * x.max(-1e4)).exp();
    if x < 0.0 {
        x.max(-1e4) * half * half / (1.0 + half * half)
    } else {
        x * stable_sigmoid(x)
    }
}

fn stable_softplus(x: f64) -> f64 {
    (if x < 0.0 { 0.0 } else { x }) + (-x.abs()).exp().ln_1p()
}

mod libm {
    extern "C" {
        pub fn asinh(x: f64) -> f64;
        pub fn acosh(x: f64) -> f64;
        pub fn atanh(x: f64) -> f64;
        pub fn erf(x: f64) -> f64;
        pub fn lgamma(x: f64) -> f64;
    }
}

/// A function of C's mathematics library.
fn c(f: unsafe extern "C" fn(f64) -> f64) -> impl Fn(f64) -> f64 {
    // SAFETY: a pure function of a number.
    move |x| unsafe { f(x) }
}

macro_rules! sweep {
    ($($name:ident: $range:expr, $exact:expr, $single:expr, $double:expr;)*) => {$(
        #[test]
        fn $name() {
            let (error, at) = worst::<f32>($range, #[inline(always)] |x| <f32 as Float>::$name(x), $exact);
            println!("{} f32 {error:.3} ulp at {at}", stringify!($name));
            assert!(error < $single, "f32: {error} ulp at {at}");
            let (error, at) = worst::<f64>($range, #[inline(always)] |x| <f64 as Float>::$name(x), $exact);
            println!("{} f64 {error:.3} ulp at {at}", stringify!($name));
            assert!(error < $double, "f64: {error} ulp at {at}");
        }
    )*};
}

const ALL: std::ops::RangeInclusive<f64> = f64::NEG_INFINITY..=f64::INFINITY;

sweep! {
    exp: ALL, f64::exp, 2.0, 4.0;
    expm1: ALL, f64::exp_m1, 2.0, 4.0;
    log: ALL, f64::ln, 2.0, 4.0;
    log1p: ALL, f64::ln_1p, 2.0, 4.0;
    sin: -1e5..=1e5, f64::sin, 2.0, 4.0;
    cos: -1e5..=1e5, f64::cos, 2.0, 4.0;
    tan: -1e5..=1e5, f64::tan, 2.0, 6.0;
    asin: ALL, f64::asin, 2.0, 4.0;
    acos: ALL, f64::acos, 2.0, 4.0;
    atan: ALL, f64::atan, 2.0, 4.0;
    sinh: ALL, f64::sinh, 3.0, 6.0;
    cosh: ALL, f64::cosh, 3.0, 6.0;
    tanh: ALL, f64::tanh, 3.0, 6.0;
    asinh: ALL, c(libm::asinh), 3.0, 6.0;
    acosh: ALL, c(libm::acosh), 3.0, 6.0;
    atanh: ALL, c(libm::atanh), 3.0, 6.0;
    sigmoid: ALL, stable_sigmoid, 3.0, 6.0;
    softplus: ALL, stable_softplus, 3.0, 6.0;
    log_sigmoid: ALL, |x| -stable_softplus(-x), 3.0, 6.0;
    silu: ALL, stable_silu, 3.0, 6.0;
    erf: ALL, c(libm::erf), 3.0, 6.0;
    lgamma: 1e-300..=f64::INFINITY, c(libm::lgamma), 3.0, 20.0;
}

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
        assert_eq!(
            Float::pow(x as f32, y as f32),
            (x as f32 as f64).powf(y as f32 as f64) as f32
        );
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
