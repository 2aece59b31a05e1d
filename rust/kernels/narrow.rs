//! Numbers of formats that the engine does not keep, held in wider elements: halves in `f32`, small
//! integers in `i32`. To narrow is to make a number one of its format.
//!
//! Halves are rounded to the nearest, ties to even, and overflow to infinity (IEEE 754-2019, 4.3.1 and
//! 7.4); bfloat16 is the upper half of a binary32. Integers wrap around.

use super::map::map1;

/// A format of numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Format {
    F16,
    Bf16,
    I8,
    I16,
    U16,
}

impl Format {
    /// The formats by the names that the border uses.
    pub const TABLE: &'static [(&'static str, Format)] = &[
        ("float16", Format::F16),
        ("bfloat16", Format::Bf16),
        ("int8", Format::I8),
        ("int16", Format::I16),
        ("uint16", Format::U16),
    ];

    pub fn is_float(self) -> bool {
        matches!(self, Format::F16 | Format::Bf16)
    }
}

/// Rounds the bits of a finite number to a significand that is `$drop` bits shorter.
macro_rules! shorter {
    ($bits:expr, $drop:expr) => {{
        let bits = $bits;
        let half = (1 << ($drop - 1)) - 1;
        bits.wrapping_add(half + ((bits >> $drop) & 1)) & !((1 << $drop) - 1)
    }};
}

/// A float that is rounded to halves.
pub trait Narrowed: Copy {
    /// The nearest of binary16's numbers.
    fn to_f16(self) -> Self;
    /// The nearest of bfloat16's numbers.
    fn to_bf16(self) -> Self;
}

/// The smallest normal number of binary16.
const F16_NORMAL: f32 = 6.103_515_6e-5;
/// What rounds to infinity: half a step beyond the largest number of binary16.
const F16_LIMIT: f32 = 65520.0;

impl Narrowed for f32 {
    #[inline(always)]
    fn to_f16(self) -> f32 {
        let (bits, size) = (self.to_bits(), self.abs());
        let normal = f32::from_bits(shorter!(bits, 13));
        // Below, steps are 2^-24, those of binary32 from a half on.
        let small = ((size + 0.5) - 0.5).copysign(self);
        let nan = f32::from_bits((bits | 0x0040_0000) & !0x1fff);
        let finite = if size < F16_NORMAL { small } else { normal };
        let bounded = if size >= F16_LIMIT {
            f32::INFINITY.copysign(self)
        } else {
            finite
        };
        if self.is_nan() {
            nan
        } else {
            bounded
        }
    }

    #[inline(always)]
    fn to_bf16(self) -> f32 {
        let bits = self.to_bits();
        let nan = (bits | 0x0040_0000) & !0xffff;
        f32::from_bits(if self.is_nan() {
            nan
        } else {
            shorter!(bits, 16)
        })
    }
}

impl Narrowed for f64 {
    #[inline(always)]
    fn to_f16(self) -> f64 {
        // Steps of 2^-24 are those of binary64 from 2^28 on.
        const SHIFT: f64 = (1u32 << 28) as f64;
        let size = self.abs();
        let normal = f64::from_bits(shorter!(self.to_bits(), 42));
        match (self.is_nan(), size >= F16_LIMIT as f64) {
            (true, _) => self,
            (_, true) => f64::INFINITY.copysign(self),
            _ if size < F16_NORMAL as f64 => ((size + SHIFT) - SHIFT).copysign(self),
            _ => normal,
        }
    }

    #[inline(always)]
    fn to_bf16(self) -> f64 {
        // Steps of 2^-133, those of bfloat16 below its smallest normal number.
        const SHIFT: f64 = f64::from_bits((1023 - 81) << 52);
        let size = self.abs();
        let normal = f64::from_bits(shorter!(self.to_bits(), 45));
        match (self.is_nan(), normal.abs() > f32::MAX as f64) {
            (true, _) => self,
            (_, true) => f64::INFINITY.copysign(self),
            _ if size < f32::MIN_POSITIVE as f64 => ((size + SHIFT) - SHIFT).copysign(self),
            _ => normal,
        }
    }
}

/// `out = x`, in halves.
pub fn floats<T: Narrowed>(format: Format, x: &[T], out: &mut [T]) {
    match format {
        Format::F16 => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.to_f16(),
        ),
        _ => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.to_bf16(),
        ),
    }
}

/// `out = x`, in small integers.
pub fn integers(format: Format, x: &[i32], out: &mut [i32]) {
    match format {
        Format::I8 => map1(
            x,
            out,
            #[inline(always)]
            |v: i32| v as i8 as i32,
        ),
        Format::I16 => map1(
            x,
            out,
            #[inline(always)]
            |v: i32| v as i16 as i32,
        ),
        _ => map1(
            x,
            out,
            #[inline(always)]
            |v: i32| v as u16 as i32,
        ),
    }
}

/// The bits of binary16 of a number that is one.
pub fn f16_bits(x: f32) -> u16 {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let size = x.abs();
    sign | match size {
        _ if x.is_nan() => 0x7e00,
        _ if size >= F16_LIMIT => 0x7c00,
        _ if size < F16_NORMAL => (size * 16_777_216.0) as u16,
        // Another bias of the exponent, and a shorter significand.
        _ => ((size.to_bits() - (112 << 23)) >> 13) as u16,
    }
}

/// The number of binary16 with these bits.
pub fn of_f16_bits(bits: u16) -> f32 {
    let (sign, rest) = ((bits as u32 & 0x8000) << 16, bits as u32 & 0x7fff);
    let size = match rest >> 10 {
        0 => rest as f32 / 16_777_216.0,
        31 if rest == 0x7c00 => f32::INFINITY,
        31 => f32::NAN,
        _ => f32::from_bits((rest << 13) + (112 << 23)),
    };
    f32::from_bits(size.to_bits() | sign)
}

/// The bits of bfloat16 of a number that is one.
pub fn bf16_bits(x: f32) -> u16 {
    (x.to_bits() >> 16) as u16
}

/// The number of bfloat16 with these bits.
pub fn of_bf16_bits(bits: u16) -> f32 {
    f32::from_bits((bits as u32) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of binary16 by its bits, from the definition.
    fn f16(bits: u16) -> f64 {
        let (exponent, significand) = ((bits >> 10) & 31, (bits & 1023) as f64);
        let size = match exponent {
            0 => significand * 2f64.powi(-24),
            31 if significand == 0.0 => f64::INFINITY,
            31 => f64::NAN,
            _ => (1024.0 + significand) * 2f64.powi(exponent as i32 - 25),
        };
        if bits >> 15 == 1 {
            -size
        } else {
            size
        }
    }

    fn bf16(bits: u16) -> f64 {
        f32::from_bits((bits as u32) << 16) as f64
    }

    /// Every number of the format stays, its neighbours' middle goes to the even one, and what is a
    /// little off the middle to the nearer one.
    fn rounds(of: fn(u16) -> f64, infinity: u16, f64s: fn(f64) -> f64, f32s: fn(f32) -> f32) {
        for bits in 0..infinity {
            let (here, next) = (of(bits), of(bits + 1));
            // Beyond the last finite one, as if the steps went on.
            let step = if next.is_finite() {
                next - here
            } else {
                here - of(bits - 1)
            };
            let middle = here + step / 2.0;
            let even = if bits % 2 == 0 { here } else { next };
            let off = step * 2f64.powi(-9);
            let rows = [
                (here, here),
                (middle, even),
                (middle - off, here),
                (middle + off, next),
            ];
            for (x, want) in rows {
                for sign in [1.0, -1.0] {
                    assert_eq!(f64s(sign * x), sign * want, "{x:e} of {bits:x}");
                    assert_eq!((f64s(sign * x) < 0.0), sign < 0.0 && want != 0.0);
                    if (x as f32) as f64 == x {
                        assert_eq!(f32s((sign * x) as f32) as f64, sign * want, "{x:e}");
                    }
                }
            }
        }
        for x in [f64::INFINITY, f64::MAX, 1e39] {
            assert_eq!((f64s(x), f64s(-x)), (f64::INFINITY, f64::NEG_INFINITY));
        }
        assert_eq!(f32s(f32::NEG_INFINITY), f32::NEG_INFINITY);
        assert!(f64s(f64::NAN).is_nan() && f32s(f32::NAN).is_nan());
        // Of a NaN that loses its payload.
        assert!(f32s(f32::from_bits(0x7f80_0001)).is_nan());
        assert_eq!(f32s(-0.0).to_bits(), (-0f32).to_bits());
        assert_eq!(f64s(-0.0).to_bits(), (-0f64).to_bits());
    }

    #[test]
    fn binary16_is_rounded() {
        rounds(f16, 0x7c00, Narrowed::to_f16, Narrowed::to_f16);
    }

    #[test]
    fn bits_go_there_and_back() {
        for bits in 0..=u16::MAX {
            let number = of_f16_bits(bits);
            assert_eq!(number.is_nan(), f16(bits).is_nan());
            if !number.is_nan() {
                assert_eq!(number as f64, f16(bits));
                assert_eq!(f16_bits(number), bits);
            }
            assert_eq!(bf16_bits(of_bf16_bits(bits)), bits);
        }
        assert!(of_f16_bits(f16_bits(f32::NAN)).is_nan());
    }

    #[test]
    fn bfloat16_is_rounded() {
        rounds(bf16, 0x7f80, Narrowed::to_bf16, Narrowed::to_bf16);
    }

    #[test]
    fn a_double_is_rounded_once() {
        // Rounded to binary32 first, it would be a tie, and go to the even one.
        let x = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!(x.to_f16(), 1.0 + 2f64.powi(-10));
        assert_eq!((x as f32).to_f16(), 1.0);
    }

    #[test]
    fn integers_wrap() {
        let x = [127, 128, -129, 40000, 65536, -1];
        let mut out = [0; 6];
        integers(Format::I8, &x, &mut out);
        assert_eq!(out, [127, -128, 127, 64, 0, -1]);
        integers(Format::I16, &x, &mut out);
        assert_eq!(out, [127, 128, -129, -25536, 0, -1]);
        integers(Format::U16, &x, &mut out);
        assert_eq!(out, [127, 128, 65407, 40000, 0, 65535]);
    }
}
