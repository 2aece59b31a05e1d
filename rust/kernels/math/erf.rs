//! The error function and its inverse.

use super::exp::{exp_below_overflow, Exponential};
use super::log::Logarithm;
use super::{clamp, poly};
use crate::kernels::float::Float;

/// `erf(x) / x - 1` in `x^2`, `|x| <= 0.925`, relative error of erf 2^-31.
const NEAR_F32: [f32; 7] = [
    0.12837917,
    -0.37612632,
    0.112836786,
    -0.026858462,
    0.0051987446,
    -0.00081171386,
    8.263626e-05,
];
/// `-log(erfc(a))` for `a` in `[0.925, 4]`, absolute error of erf 2^-29.
const FAR_F32: [f32; 7] = [
    0.00021484181,
    1.1275952,
    0.6373196,
    0.103809364,
    -0.022167236,
    0.0030280668,
    -0.00019437604,
];
/// As [`NEAR_F32`], `|x| <= 1`, 2^-57.
const NEAR_F64: [f64; 12] = [
    0.12837916709551256,
    -0.37612638903183515,
    0.11283791670943973,
    -0.02686617064307635,
    0.005223977605821874,
    -0.0008548325914740213,
    0.00012055293131568167,
    -1.4924703583305481e-05,
    1.6447022152417695e-06,
    -1.6205462750680972e-07,
    1.370724678392885e-08,
    -7.772406711261821e-10,
];
/// As [`FAR_F32`], `a` in `[1, 5.95]`, 2^-62.
const FAR_F64: [f64; 20] = [
    2.8883364459420207e-08,
    1.1283789045907082,
    0.6366207877444491,
    0.1027706556086228,
    -0.019127711434661403,
    -0.00020281795948128055,
    0.0016755712363560383,
    -0.0005529218085329441,
    -2.1594728061025138e-05,
    0.00011053910977674506,
    -6.464434371423273e-05,
    2.423524479568695e-05,
    -6.7701997024001815e-06,
    1.4662616487068859e-06,
    -2.4747148854332804e-07,
    3.209545259658041e-08,
    -3.097263383137418e-09,
    2.096906724678781e-10,
    -8.889109128764252e-12,
    1.7750652424505755e-13,
];

/// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `x`; `1 - exp(-p(x))` far from 0.
#[inline(always)]
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    let near = a.mul_add(poly(a * a, &NEAR_F64), a);
    let far = 1.0 - exp_below_overflow(-poly(if a > 5.95 { 5.95 } else { a }, &FAR_F64));
    (if a > 1.0 { far } else { near }).copysign(x)
}

/// As [`erf`].
#[inline(always)]
pub fn erf_f32(x: f32) -> f32 {
    let a = x.abs();
    let near = a.mul_add(poly(a * a, &NEAR_F32), a);
    let far = 1.0 - exp_moderate(-poly(if a > 4.0 { 4.0 } else { a }, &FAR_F32));
    (if a > 0.93 { far } else { near }).copysign(x)
}

/// `x Phi(x) = x/2 (1 + erf(x / sqrt(2)))`; `-0` from -40 down, where Phi is 0 to the last bit.
#[inline(always)]
pub fn gelu<T: Float>(x: T) -> T {
    let lowest = T::from_f64(-40.0);
    let x = if x < lowest { lowest } else { x };
    let root = T::from_f64(std::f64::consts::FRAC_1_SQRT_2);
    let half = T::from_f64(0.5);
    x * (((x * root).erf() + T::ONE) * half)
}

/// The slope of [`gelu`], `Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)`; 0 or 1 to the last bit beyond 40.
#[inline(always)]
pub fn gelu_slope<T: Float>(x: T) -> T {
    let c = clamp(x, T::from_f64(-40.0), T::from_f64(40.0));
    let root = c * T::from_f64(std::f64::consts::FRAC_1_SQRT_2);
    let phi = (root.erf() + T::ONE) * T::from_f64(0.5);
    let density = (-(root * root)).exp() * T::from_f64(0.398_942_280_401_432_7); // 1 / sqrt(2 pi)
    c.mul_add(density, phi)
}

/// `e^x` for `-20 < x < 20`.
#[inline(always)]
fn exp_moderate(x: f32) -> f32 {
    let (n, q) = f32::reduce(x, 0.0);
    let s = f32::power_of_two(n);
    q.mul_add(s, s)
}

/// `erfinv(x) / x` in `w - 2.5`, `w = -ln(1 - x^2) <= 5`, relative error 2^-27.
const CENTRE_F32: [f32; 10] = [
    1.5014094,
    0.24664028,
    -0.004177387,
    -0.0012527419,
    0.00021834444,
    -4.963349e-06,
    -3.4627053e-06,
    4.661707e-07,
    2.32327e-08,
    -8.791048e-09,
];
/// `erfinv(x) / x` in `sqrt(w) - 3`, `5 <= w <= 16.6`, 2^-23.6.
const TAIL_F32: [f32; 9] = [
    2.832977,
    1.0016742,
    0.009435891,
    -0.007624638,
    0.005759963,
    -0.003662684,
    0.0013045246,
    8.8723704e-05,
    -0.0001688373,
];
/// As [`CENTRE_F32`] in `w - 3.125`, `w <= 6.25`, 2^-53.
const CENTRE_F64: [f64; 23] = [
    1.653654562683103,
    0.24015818242558948,
    -0.006033670871430705,
    -0.0007407025341653001,
    0.00018673420803639096,
    -1.3882523364909748e-05,
    -1.3654692038844513e-06,
    4.2347878041656784e-07,
    -2.9070366796170325e-08,
    -4.112635162689446e-09,
    1.0512107439310209e-09,
    -5.415372740341919e-11,
    -1.2974673199869862e-11,
    2.633427387662067e-12,
    -8.160803766035842e-14,
    -4.053488307478778e-14,
    6.648604956358743e-15,
    2.0103245088887766e-17,
    -1.3415802131433445e-16,
    1.1197129145802248e-17,
    1.3222401507388784e-18,
    -1.6926522514062232e-19,
    -4.323911348211513e-21,
];
/// As [`TAIL_F32`] in `sqrt(w) - 3.25`, `6.25 <= w <= 16`, 2^-53.
const MIDDLE_F64: [f64; 19] = [
    3.0838856104922203,
    1.0052589676941595,
    0.00537091455360377,
    -0.003751208507584853,
    0.0024914420954583144,
    -0.0016882755556832897,
    0.0009532893915756968,
    -0.0003550375236313737,
    2.403100240645658e-05,
    6.828486768463195e-05,
    -4.731767616837074e-05,
    1.2475260477515062e-05,
    2.9217832843989657e-06,
    -4.013803409861746e-06,
    1.5056496234545333e-06,
    1.8194901405038202e-08,
    -2.779196916758197e-07,
    9.076675277722106e-08,
    3.2930456356812742e-09,
];
/// As [`TAIL_F32`] in `sqrt(w) - 5`, `16 <= w <= 36.6`, 2^-52.
const TAIL_F64: [f64; 17] = [
    4.849906401408584,
    1.01030046486453,
    -0.00013871931834333792,
    -0.00021503011911808668,
    7.599527727977926e-05,
    -1.9681780232683763e-05,
    4.526059871665985e-06,
    -9.929719372824559e-07,
    2.2901810798590573e-07,
    -6.773980793950648e-08,
    2.9114658709580914e-08,
    -1.4921972442583563e-08,
    7.660310158531035e-09,
    -3.815800771583664e-09,
    1.477299634607475e-09,
    -2.4831550976235916e-10,
    -1.8869227159214666e-11,
];

/// The `y` with `erf(y) = x`: `x p(w)` with `w = -ln(1 - x^2)`, after Giles, *Approximating the
/// erfinv function* (GPU Computing Gems, 2011).
#[inline(always)]
pub fn erfinv(x: f64) -> f64 {
    let w = -super::log(x.mul_add(-x, 1.0));
    let root = w.sqrt();
    let y = poly(w - 3.125, &CENTRE_F64);
    let y = if root > 2.5 {
        poly(root - 3.25, &MIDDLE_F64)
    } else {
        y
    };
    let y = if root > 4.0 {
        poly(root - 5.0, &TAIL_F64)
    } else {
        y
    };
    let y = if w < f64::INFINITY { y } else { w };
    y * x
}

/// As [`erfinv`].
#[inline(always)]
pub fn erfinv_f32(x: f32) -> f32 {
    let inside = x.mul_add(-x, 1.0);
    let (k, f) = f32::split(inside);
    let w = -f32::join(k, f, 0.0);
    let centre = poly(w - 2.5, &CENTRE_F32);
    let tail = poly(w.sqrt() - 3.0, &TAIL_F32);
    let y = if w < 5.0 { centre } else { tail };
    let y = if inside > 0.0 { y } else { f32::INFINITY };
    let y = if inside >= 0.0 { y } else { f32::NAN };
    y * x
}
