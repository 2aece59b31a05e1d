//! `+ - *` of sizes and numbers, and how sizes are shown.

use super::{add_term, product_of, Factor, Size, Terms, LONGEST};
use std::fmt;
use std::iter::{Product, Sum};
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub};

impl<T: Into<Size>> Add<T> for Size {
    type Output = Size;
    fn add(self, other: T) -> Size {
        let other = other.into();
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return Size::signed(a.saturating_add(b));
        }
        let mut terms = self.terms();
        for (factors, count) in other.terms() {
            add_term(&mut terms, factors, count);
        }
        Size::of_terms(terms)
    }
}

impl<T: Into<Size>> Sub<T> for Size {
    type Output = Size;
    fn sub(self, other: T) -> Size {
        self + -other.into()
    }
}

impl Neg for Size {
    type Output = Size;
    fn neg(self) -> Size {
        self * Size(-1)
    }
}

impl<T: Into<Size>> Mul<T> for Size {
    type Output = Size;
    fn mul(self, other: T) -> Size {
        let other = other.into();
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return Size::signed(a.saturating_mul(b));
        }
        let (own, others) = (self.terms(), other.terms());
        let degree = |terms: &Terms| terms.keys().map(Vec::len).max().unwrap_or(0);
        if own.len() * others.len() > LONGEST || degree(&own) + degree(&others) > LONGEST {
            let (a, b) = if self.0 < other.0 {
                (self, other)
            } else {
                (other, self)
            };
            return Size::of_factor(Factor::Product(a, b));
        }
        let mut terms = Terms::new();
        for (factors, count) in own {
            for (more, times) in &others {
                let count = count.saturating_mul(*times);
                add_term(&mut terms, product_of(&factors, more), count);
            }
        }
        Size::of_terms(terms)
    }
}

impl<T: Into<Size>> AddAssign<T> for Size {
    fn add_assign(&mut self, other: T) {
        *self = *self + other;
    }
}

impl<T: Into<Size>> MulAssign<T> for Size {
    fn mul_assign(&mut self, other: T) {
        *self = *self * other;
    }
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::ZERO, |sum, size| sum + size)
    }
}

impl Product for Size {
    fn product<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::ONE, |product, size| product * size)
    }
}

impl<'a> Product<&'a Size> for Size {
    fn product<I: Iterator<Item = &'a Size>>(sizes: I) -> Size {
        sizes.copied().product()
    }
}

impl From<usize> for Size {
    fn from(number: usize) -> Size {
        Size::of(number)
    }
}

impl PartialEq<usize> for Size {
    fn eq(&self, number: &usize) -> bool {
        *self == Size::of(*number)
    }
}

/// The number, or `None` as Python names a size that is not known.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            Some(number) => write!(f, "{number}"),
            None => f.write_str("None"),
        }
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
