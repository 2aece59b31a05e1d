//! Discrete Fourier transforms of rows, `X_k = sum_i x_i exp(-2 pi i k i / n)`, of any length.
//!
//! Written here, and not taken from the crates realfft and rustfft, for the sake of the bits: their
//! vectors differ by processor, and their sines come from the system's library. Here several rows lie
//! interleaved, `lanes` of them, so that every step is a loop over neighbours that is compiled into
//! vectors, and each row sees the same operations whatever stands beside it. Real and imaginary parts
//! lie in arrays of their own.
//!
//! A length with small prime factors is done in passes of 2, 3, 4, 5 or more parts (Stockham's order,
//! in which nothing is reversed: Cochran et al. 1967, "What is the fast Fourier transform?"), any other
//! as a convolution with a chirp (Bluestein 1970). Real rows of even length are complex ones of half the
//! length (Cooley, Lewis & Welch 1970, "The fast Fourier transform algorithm").

mod chirp;
mod lanes;
mod mixed;
mod rows;

#[cfg(test)]
mod tests;

pub use rows::{Complex, Real};

use super::float::Float;
use chirp::Chirp;
use mixed::Mixed;
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

/// Real and imaginary parts.
type Pair<'a, T> = [&'a mut [T]; 2];

/// A transform of one length: all that follows from it.
struct Plan<T> {
    n: usize,
    kind: Kind<T>,
}

enum Kind<T> {
    Mixed(Mixed<T>),
    Chirp(Box<Chirp<T>>),
}

impl<T: Float> Plan<T> {
    fn new(n: usize) -> Self {
        let kind = match Mixed::new(n) {
            Some(mixed) => Kind::Mixed(mixed),
            None => Kind::Chirp(Box::new(Chirp::new(n))),
        };
        Plan { n, kind }
    }

    /// Places that a row takes while it is worked on.
    fn width(&self) -> usize {
        match &self.kind {
            Kind::Mixed(_) => self.n,
            Kind::Chirp(chirp) => chirp.width(),
        }
    }

    /// Transforms the first `n * lanes` numbers of x; y is room, and both have `width * lanes` places or
    /// more. Gives the pair that the result begins, then the other.
    fn run<'a>(&self, x: Pair<'a, T>, y: Pair<'a, T>, lanes: usize) -> [Pair<'a, T>; 2] {
        match &self.kind {
            Kind::Mixed(mixed) => mixed.run(x, y, lanes),
            Kind::Chirp(chirp) => chirp.run(x, y, lanes),
        }
    }
}

/// Plans that a thread keeps, and the longest of them.
const KEPT: usize = 16;
const LONGEST: usize = 1 << 16;

type Key = (TypeId, usize);

thread_local! {
    static PLANS: RefCell<Vec<(Key, Arc<dyn Any + Send + Sync>)>> = const { RefCell::new(Vec::new()) };
}

/// The plan of this length: the one that was made for an op before, where it is kept.
fn plan<T: Float>(n: usize) -> Arc<Plan<T>> {
    let key = (TypeId::of::<T>(), n);
    let found = PLANS.with_borrow(|plans| {
        let entry = plans.iter().find(|(other, _)| *other == key);
        entry.and_then(|(_, plan)| plan.clone().downcast().ok())
    });
    found.unwrap_or_else(|| {
        let made = Arc::new(Plan::<T>::new(n));
        if n <= LONGEST {
            let kept: Arc<dyn Any + Send + Sync> = made.clone();
            PLANS.with_borrow_mut(|plans| {
                plans.truncate(KEPT - 1);
                plans.insert(0, (key, kept));
            });
        }
        made
    })
}

/// `exp(-2 pi i k / n)`, from an angle of at most an eighth of a turn.
fn root(k: usize, n: usize) -> [f64; 2] {
    let k = k % n;
    let (quarter, rest) = (4 * k / n, 4 * k % n);
    let turn = |part: usize| part as f64 / n as f64 * FRAC_PI_2;
    let (cos, sin) = match 2 * rest <= n {
        true => (Float::cos(turn(rest)), Float::sin(turn(rest))),
        false => (Float::sin(turn(n - rest)), Float::cos(turn(n - rest))),
    };
    match quarter {
        0 => [cos, -sin],
        1 => [-sin, -cos],
        2 => [-cos, sin],
        _ => [sin, cos],
    }
}

/// As [`root`], rounded.
fn rounded_root<T: Float>(k: usize, n: usize) -> [T; 2] {
    root(k, n).map(T::from_f64)
}

/// `a b` of complex numbers.
#[inline(always)]
fn product<T: Float>(a: [T; 2], b: [T; 2]) -> [T; 2] {
    [
        a[0].mul_add(b[0], -(a[1] * b[1])),
        a[0].mul_add(b[1], a[1] * b[0]),
    ]
}
