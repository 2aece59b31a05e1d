//! Sizes of axes: numbers, or, while shapes are inferred before there is data, expressions of symbols.
//!
//! A [`Size`] is one word. A number is itself; an expression is its place in a table where equal ones
//! are one: a sum of products of symbols and integers, in which a division that does not come out, or
//! the larger of two sizes that cannot be told apart, is one more factor. (As in tract's `TDim`.)
//!
//! A symbol stands for a size of 1 or more. Shape rules refuse what is wrong for every size, and let
//! pass what may be right: [`Size::may_be`], [`Size::surely_below`].

mod operators;
#[cfg(test)]
mod tests;
mod words;

pub use words::signed;

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The size of an axis, or what is computed with sizes on the way to one (then also below zero).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Size(isize);

/// Below this number are places in the table.
const SMALLEST: isize = isize::MIN + (1 << 40);

/// Most products of a sum, and most factors of a product: what would grow longer is a factor itself.
const LONGEST: usize = 64;

/// A product of factors of the table, in order.
type Factors = Vec<usize>;

/// A sum of products with their counts, none of them 0; no factors: a number.
type Terms = BTreeMap<Factors, isize>;

/// What a product in a sum is made of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Factor {
    Symbol(usize),
    /// Rounded down.
    Quotient(Size, Size),
    Larger(Size, Size),
    /// Of sums that are too long to multiply out.
    Product(Size, Size),
}

/// Expressions and factors, each once. What is entered stays: symbols are numbered from 0 in every
/// inference, so that those of like shapes are shared.
#[derive(Default)]
struct Table {
    terms: Entries<Terms>,
    factors: Entries<Factor>,
    /// The number that each factor is never below.
    lowest: Vec<Option<isize>>,
}

struct Entries<T> {
    list: Vec<T>,
    places: HashMap<T, usize>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries {
            list: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Entries<T> {
    fn enter(&mut self, entry: T) -> usize {
        *self.places.entry(entry).or_insert_with_key(|entry| {
            self.list.push(entry.clone());
            self.list.len() - 1
        })
    }
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

fn with_table<R>(f: impl FnOnce(&mut Table) -> R) -> R {
    f(&mut TABLE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Adds to a sum; counts that leave the range of numbers stay at its end, which no shape has.
fn add_term(terms: &mut Terms, factors: Factors, count: isize) {
    let slot = terms.entry(factors).or_insert(0);
    *slot = slot.saturating_add(count);
    terms.retain(|_, count| *count != 0);
}

impl Size {
    pub const ZERO: Size = Size(0);
    pub const ONE: Size = Size(1);

    /// A number; beyond the largest one, the largest.
    pub const fn of(number: usize) -> Self {
        match number > isize::MAX as usize {
            true => Size(isize::MAX),
            false => Size(number as isize),
        }
    }

    /// A number that may be below zero.
    pub fn signed(number: isize) -> Self {
        Size(number.max(SMALLEST))
    }

    /// Unknown size number `index` of an inference.
    pub fn symbol(index: usize) -> Self {
        Size::of_factor(Factor::Symbol(index))
    }

    fn of_factor(factor: Factor) -> Self {
        let lowest = factor.lowest();
        let factor = with_table(|table| {
            let place = table.factors.enter(factor);
            if place == table.lowest.len() {
                table.lowest.push(lowest);
            }
            place
        });
        Size::of_terms(Terms::from([(vec![factor], 1)]))
    }

    fn of_terms(terms: Terms) -> Self {
        match terms.iter().next() {
            None => Size::ZERO,
            Some((factors, count)) if factors.is_empty() && terms.len() == 1 => {
                Size::signed(*count)
            }
            _ => Size(isize::MIN + with_table(|table| table.terms.enter(terms)) as isize),
        }
    }

    /// Whether the table holds it.
    fn is_entered(self) -> bool {
        with_table(|table| self.place() < table.terms.list.len())
    }

    /// Of what is not known.
    fn place(self) -> usize {
        self.0.abs_diff(isize::MIN)
    }

    fn terms(self) -> Terms {
        match self.number() {
            Some(0) => Terms::new(),
            Some(number) => Terms::from([(vec![], number)]),
            None => with_table(|table| table.terms.list[self.place()].clone()),
        }
    }

    /// The products that it is the sum of: how often each counts, and its factors.
    pub fn products(self) -> Vec<(isize, Vec<Factor>)> {
        let factors = |places: &[usize]| {
            with_table(|table| {
                places
                    .iter()
                    .map(|f| table.factors.list[*f].clone())
                    .collect()
            })
        };
        let terms = self.terms();
        terms
            .iter()
            .map(|(f, count)| (*count, factors(f)))
            .collect()
    }

    /// The size of a word that an attribute holds; `None` for a word of no size.
    pub fn of_word(word: i64) -> Option<Size> {
        let size = isize::try_from(word).map(Size).ok();
        size.filter(|size| size.is_known() || size.is_entered())
    }

    pub fn is_known(self) -> bool {
        self.0 >= SMALLEST
    }

    /// The number, where it is one.
    pub fn number(self) -> Option<isize> {
        self.is_known().then_some(self.0)
    }

    /// What tells it from all others, over the border.
    pub fn word(self) -> i64 {
        self.0 as i64
    }

    /// The number of elements, rows, ...
    ///
    /// # Panics
    /// The size is not known, or below zero.
    pub fn get(self) -> usize {
        let number = self.number().and_then(|n| usize::try_from(n).ok());
        number.unwrap_or_else(|| panic!("expected a known size, got {self}"))
    }

    /// The number for arithmetic with elements; NaN where it is not known.
    pub fn as_f64(self) -> f64 {
        self.number().map_or(f64::NAN, |number| number as f64)
    }

    /// Whether it is below `other` whatever the symbols are.
    pub fn surely_below(self, other: impl Into<Size>) -> bool {
        (other.into() - self)
            .lowest()
            .is_some_and(|least| least > 0)
    }

    /// Whether it is below `other` for some symbols, as far as can be told.
    pub fn may_be_below(self, other: impl Into<Size>) -> bool {
        !other.into().surely_below(self + 1)
    }

    /// Whether it is not surely another size.
    pub fn may_be(self, other: impl Into<Size>) -> bool {
        let other = other.into();
        !(self.surely_below(other) || other.surely_below(self) || (self - other).is_no_multiple())
    }

    /// The size of an axis that both are the size of, where they may be one: a number before a symbol.
    pub fn agreed(self, other: Size) -> Option<Size> {
        self.may_be(other)
            .then_some(if other.is_known() { other } else { self })
    }

    /// The larger one.
    pub fn max(self, other: impl Into<Size>) -> Size {
        let other = other.into();
        let rest = self - other;
        match (rest.lowest(), (-rest).lowest()) {
            (Some(0..), _) => self,
            (_, Some(0..)) => other,
            _ => Size::of_factor(Factor::Larger(self, other)),
        }
    }

    /// The product of so many of it.
    pub fn pow(self, times: u32) -> Size {
        match times {
            0 => Size::ONE,
            _ => {
                let half = self.pow(times / 2);
                let even = half * half;
                if times.is_multiple_of(2) {
                    even
                } else {
                    even * self
                }
            }
        }
    }

    /// Without its sign.
    pub fn abs(self) -> Size {
        self.max(-self)
    }

    /// `self / by`, rounded down.
    ///
    /// # Panics
    /// `by` is 0.
    pub fn floor_div(self, by: impl Into<Size>) -> Size {
        let by = by.into();
        assert!(by != Size::ZERO, "a size divided by 0");
        if let (Some(n), Some(by)) = (self.number(), by.number()) {
            let (quotient, rest) = (n / by, n % by);
            let down = rest != 0 && (rest < 0) != (by < 0);
            return Size::signed(quotient - isize::from(down));
        }
        if let Some(number) = by.number() {
            return match number > 0 {
                true => self.floor_div_number(number),
                false => (-self).floor_div_number(-number),
            };
        }
        let (whole, rest) = self.divided(by);
        match rest {
            Size::ZERO => whole,
            _ => Size::of_factor(Factor::Quotient(self, by)),
        }
    }

    /// What comes out whole is taken out of every product, so that equal quotients are one.
    fn floor_div_number(self, by: isize) -> Size {
        let (mut whole, mut rest) = (Terms::new(), Terms::new());
        for (factors, count) in self.terms() {
            add_term(&mut whole, factors.clone(), count.div_euclid(by));
            add_term(&mut rest, factors, count.rem_euclid(by));
        }
        let (whole, rest) = (Size::of_terms(whole), Size::of_terms(rest));
        match rest.is_known() {
            true => whole,
            false => whole + Size::of_factor(Factor::Quotient(rest, Size(by))),
        }
    }

    /// `self / by` where it may be a whole number.
    pub fn whole_div(self, by: impl Into<Size>) -> Option<Size> {
        let by = by.into();
        if by == Size::ZERO {
            return None;
        }
        let quotient = self.floor_div(by);
        (quotient * by).may_be(self).then_some(quotient)
    }

    /// Quotient and rest of the division of sums: what each product of `self` gives, highest first.
    fn divided(self, by: Size) -> (Size, Size) {
        let by = by.terms();
        let Some((head, head_count)) = by.iter().max_by(|a, b| by_degree(a.0, b.0)) else {
            return (Size::ZERO, self);
        };
        let (mut whole, mut rest, mut left) = (Terms::new(), Terms::new(), self.terms());
        while let Some(factors) = left.keys().max_by(|a, b| by_degree(a, b)).cloned() {
            let count = left.remove(&factors).unwrap_or(0);
            match without(&factors, head).filter(|_| count % head_count == 0) {
                Some(quotient) => {
                    let times = count / head_count;
                    for (other, n) in by.iter().filter(|(other, _)| *other != head) {
                        let product = product_of(&quotient, other);
                        add_term(
                            &mut left,
                            product,
                            times.saturating_mul(*n).saturating_neg(),
                        );
                    }
                    add_term(&mut whole, quotient, times);
                }
                None => add_term(&mut rest, factors, count),
            }
        }
        (Size::of_terms(whole), Size::of_terms(rest))
    }

    /// Whether what its products have in common divides them, but not the number beside them: it is
    /// never 0.
    fn is_no_multiple(self) -> bool {
        let mut terms = self.terms();
        let number = terms.remove(&vec![]).unwrap_or(0);
        let common = terms
            .values()
            .fold(0, |common, count| gcd(common, count.unsigned_abs()));
        common > 0 && !number.unsigned_abs().is_multiple_of(common)
    }

    /// A number that it is never below.
    fn lowest(self) -> Option<isize> {
        self.number().or_else(|| {
            self.terms()
                .iter()
                .try_fold(0isize, |sum, (factors, count)| {
                    let least = factors.iter().try_fold(*count, |least, factor| {
                        let low = with_table(|table| table.lowest[*factor]);
                        let low = low.filter(|low| *low >= 0)?;
                        (*count > 0).then_some(least.saturating_mul(low))
                    });
                    Some(sum.saturating_add(least?))
                })
        })
    }
}

impl Factor {
    /// As [`Size::lowest`].
    fn lowest(&self) -> Option<isize> {
        match self {
            Factor::Symbol(_) => Some(1),
            Factor::Quotient(n, by) => match by.number().filter(|by| *by > 0) {
                Some(by) => n.lowest().map(|low| low.div_euclid(by)),
                None => (n.lowest()? >= 0 && by.lowest()? > 0).then_some(0),
            },
            Factor::Larger(a, b) => a.lowest().max(b.lowest()),
            Factor::Product(a, b) => {
                let (a, b) = (a.lowest()?, b.lowest()?);
                (a >= 0 && b >= 0).then(|| a.saturating_mul(b))
            }
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    match b {
        0 => a,
        _ => gcd(b, a % b),
    }
}

/// More factors are higher.
fn by_degree(a: &Factors, b: &Factors) -> std::cmp::Ordering {
    (a.len(), a).cmp(&(b.len(), b))
}

/// The product's factors but for those of `other`, where all of them are in it.
fn without(product: &Factors, other: &Factors) -> Option<Factors> {
    let mut rest = product.clone();
    for factor in other {
        rest.remove(rest.iter().position(|f| f == factor)?);
    }
    Some(rest)
}

fn product_of(a: &Factors, b: &Factors) -> Factors {
    let mut product = [&a[..], b].concat();
    product.sort_unstable();
    product
}

/// The numbers, where all sizes are known.
///
/// # Panics
/// A size is not known, or below zero.
pub fn dims(sizes: &[Size]) -> &[usize] {
    let wrong = sizes.iter().find(|size| size.0 < 0);
    assert!(wrong.is_none(), "expected known sizes, got {sizes:?}");
    // SAFETY: a `Size` is an `isize`, of the size and alignment of a `usize`, and none is negative.
    unsafe { std::slice::from_raw_parts(sizes.as_ptr().cast(), sizes.len()) }
}
