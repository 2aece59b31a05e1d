//! Accuracy sweeps, and the same bits under every instruction set.

use crate::kernels::float::Float;
use crate::kernels::isa::{dispatch_on, Isa, Loop};

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

impl<T: Float, F: Fn(T) -> T> Loop for Map<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (o, x) in self.out.iter_mut().zip(self.x) {
            *o = (self.f)(*x);
        }
    }
}

/// The values of `f`, after checking that every instruction set gives the same ones.
pub(super) fn values<T: Float>(x: &[T], f: impl Fn(T) -> T + Copy) -> Vec<T> {
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

pub(super) mod libm {
    extern "C" {
        pub fn asinh(x: f64) -> f64;
        pub fn acosh(x: f64) -> f64;
        pub fn atanh(x: f64) -> f64;
        pub fn erf(x: f64) -> f64;
        pub fn erfc(x: f64) -> f64;
        pub fn lgamma(x: f64) -> f64;
    }
}

/// A function of C's mathematics library.
pub(super) fn c(f: unsafe extern "C" fn(f64) -> f64) -> impl Fn(f64) -> f64 {
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

#[test]
fn slopes_of_gelu_are_near_everywhere() {
    fn check<T: Float>(bound: f64) {
        for x in samples::<T>() {
            let (v, got) = (x.to_f64(), x.gelu_slope().to_f64());
            let tail = 0.5 * c(libm::erfc)(-v / 2f64.sqrt());
            let density = (-v * v / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let exact = if density == 0.0 {
                tail
            } else {
                tail + v * density
            };
            assert!(
                (got - exact).abs() <= bound || got == exact,
                "{got} at {v}, expected {exact}"
            );
        }
    }
    check::<f32>(2f64.powi(-22));
    check::<f64>(2f64.powi(-51));
}

#[test]
fn gelu_is_near_everywhere() {
    fn check<T: Float>(bound: f64) {
        for x in samples::<T>() {
            let (v, got) = (x.to_f64(), x.gelu().to_f64());
            let tail = 0.5 * c(libm::erfc)(-v / 2f64.sqrt());
            let exact = if tail == 0.0 { 0.0 } else { v * tail };
            let near = (got - exact).abs() <= bound * v.abs().max(1e-30);
            assert!(near || got == exact, "{got} at {v}, expected {exact}");
        }
    }
    check::<f32>(2f64.powi(-23));
    check::<f64>(2f64.powi(-51));
}
