//! Arithmetic that integers and floats share, with NumPy's conventions.

use super::float::Float;
use crate::dtype::Scalar;

/// A number of any dtype. Integers wrap on overflow; division by an integer zero gives zero.
pub trait Number: Scalar + PartialOrd + PartialEq {
    const ZERO: Self;
    const ONE: Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// Floats divide; integers as [`Number::floor_div`].
    fn div(self, other: Self) -> Self;
    fn pow(self, other: Self) -> Self;
    /// The larger one; NaN where either is NaN.
    fn maximum(self, other: Self) -> Self;
    /// The smaller one; NaN where either is NaN.
    fn minimum(self, other: Self) -> Self;
    /// `floor(self / other)`.
    fn floor_div(self, other: Self) -> Self;
    /// `self - other * floor(self / other)`: the sign of `other`.
    fn modulo(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    fn sign(self) -> Self;
    fn from_f64(x: f64) -> Self;
    fn to_f64(self) -> f64;
    /// Of integers, as all down to [`Number::lcm`].
    fn bit_and(self, other: Self) -> Self;
    fn bit_or(self, other: Self) -> Self;
    fn bit_xor(self, other: Self) -> Self;
    /// `self * 2^places`; 0 for places beyond the width, or below 0.
    fn left_shift(self, places: Self) -> Self;
    /// `floor(self / 2^places)`; 0 or -1 for places beyond the width, or below 0.
    fn right_shift(self, places: Self) -> Self;
    /// The greatest common divisor, 0 or more.
    fn gcd(self, other: Self) -> Self;
    /// The least common multiple, 0 or more.
    fn lcm(self, other: Self) -> Self;
    /// Of floats: the one next to `self` on the way to `other`.
    fn next_after(self, other: Self) -> Self;
}

/// The functions of a trait that numbers of this kind do not have: ops refuse them before.
macro_rules! without {
    ($($name:ident),*) => {$(
        #[inline(always)]
        fn $name(self, _: Self) -> Self {
            unreachable!(concat!(stringify!($name), " of numbers that it does not take"))
        }
    )*};
}

macro_rules! integers {
    ($($t:ty, $signed:expr);*) => {$(
        impl Number for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            #[inline(always)]
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn mul(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn div(self, other: Self) -> Self { self.floor_div(other) }
            fn pow(self, other: Self) -> Self {
                #[allow(unused_comparisons)]
                if other < 0 {
                    // 1 / self^|other|, truncated.
                    return if self == 1 { 1 } else if $signed && self == (0 as $t).wrapping_sub(1) {
                        if other % 2 == 0 { 1 } else { self }
                    } else { 0 };
                }
                let (mut base, mut exponent, mut out) = (self, other, 1 as $t);
                while exponent > 0 {
                    if exponent & 1 == 1 { out = out.wrapping_mul(base); }
                    base = base.wrapping_mul(base);
                    exponent >>= 1;
                }
                out
            }
            #[inline(always)]
            fn maximum(self, other: Self) -> Self { self.max(other) }
            #[inline(always)]
            fn minimum(self, other: Self) -> Self { self.min(other) }
            #[inline(always)]
            fn floor_div(self, other: Self) -> Self {
                if other == 0 { return 0; }
                let q = self.wrapping_div(other);
                #[allow(unused_comparisons)]
                let down = self.wrapping_rem(other) != 0 && ((self < 0) != (other < 0));
                if down { q.wrapping_sub(1) } else { q }
            }
            #[inline(always)]
            fn modulo(self, other: Self) -> Self {
                if other == 0 { return 0; }
                self.wrapping_sub(other.wrapping_mul(self.floor_div(other)))
            }
            #[inline(always)]
            fn neg(self) -> Self { (0 as $t).wrapping_sub(self) }
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn abs(self) -> Self { if self < 0 { Number::neg(self) } else { self } }
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn sign(self) -> Self { if self > 0 { 1 } else if self < 0 { Number::neg(1 as $t) } else { 0 } }
            #[inline(always)]
            fn from_f64(x: f64) -> Self { x as $t }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)]
            fn bit_and(self, other: Self) -> Self { self & other }
            #[inline(always)]
            fn bit_or(self, other: Self) -> Self { self | other }
            #[inline(always)]
            fn bit_xor(self, other: Self) -> Self { self ^ other }
            #[inline(always)]
            fn left_shift(self, places: Self) -> Self {
                let in_range = (places as u64) < <$t>::BITS as u64;
                if in_range { self << places } else { 0 }
            }
            #[inline(always)]
            #[allow(unused_comparisons)]
            fn right_shift(self, places: Self) -> Self {
                let in_range = (places as u64) < <$t>::BITS as u64;
                if in_range { self >> places } else if self < 0 { Number::neg(1 as $t) } else { 0 }
            }
            fn gcd(self, other: Self) -> Self {
                let (mut a, mut b) = (Number::abs(self), Number::abs(other));
                while b != 0 {
                    (a, b) = (b, Number::abs(a.wrapping_rem(b)));
                }
                a
            }
            fn lcm(self, other: Self) -> Self {
                match Number::gcd(self, other) {
                    0 => 0,
                    divisor => {
                        Number::abs(self).wrapping_div(divisor).wrapping_mul(Number::abs(other))
                    }
                }
            }
            without!(next_after);
        }
    )*};
}
integers!(i32, true; i64, true; u32, false; u64, false; u8, false);

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn add(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn sub(self, other: Self) -> Self { self - other }
            #[inline(always)]
            fn mul(self, other: Self) -> Self { self * other }
            #[inline(always)]
            fn div(self, other: Self) -> Self { self / other }
            #[inline(always)]
            fn pow(self, other: Self) -> Self { Float::pow(self, other) }
            #[inline(always)]
            fn maximum(self, other: Self) -> Self { if self > other || self.is_nan() { self } else { other } }
            #[inline(always)]
            fn minimum(self, other: Self) -> Self { if self < other || self.is_nan() { self } else { other } }
            #[inline(always)]
            fn floor_div(self, other: Self) -> Self {
                if other == 0.0 {
                    return self / other;
                }
                let rest = self % other;
                let quotient = Float::round_even((self - rest) / other);
                if rest != 0.0 && ((rest < 0.0) != (other < 0.0)) {
                    quotient - 1.0
                } else {
                    quotient
                }
            }
            #[inline(always)]
            fn modulo(self, other: Self) -> Self {
                let m = self % other;
                if m == 0.0 { return (0.0 as $t).copysign(other); }
                if (m < 0.0) != (other < 0.0) { m + other } else { m }
            }
            #[inline(always)]
            fn neg(self) -> Self { -self }
            #[inline(always)]
            fn abs(self) -> Self { <$t>::abs(self) }
            #[inline(always)]
            fn sign(self) -> Self { if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self } }
            #[inline(always)]
            fn from_f64(x: f64) -> Self { x as $t }
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
            without!(bit_and, bit_or, bit_xor, left_shift, right_shift, gcd, lcm);
            fn next_after(self, other: Self) -> Self {
                if self.is_nan() || other.is_nan() {
                    self + other
                } else if self == other {
                    other
                } else if self == 0.0 {
                    <$t>::from_bits(1).copysign(other)
                } else if (self < other) == (self > 0.0) {
                    <$t>::from_bits(self.to_bits() + 1)
                } else {
                    <$t>::from_bits(self.to_bits() - 1)
                }
            }
        }
    )*};
}
floats!(f32, f64);
