//! Lengths that are products of small primes.

use super::lanes::{by_blocks, load, Blocks};
use super::{product, rounded_root, Pair};
use crate::kernels::float::Float;
use crate::kernels::isa::{dispatch, Loop};
use crate::memory::reserve;

/// The largest prime factor.
const LARGEST: usize = 31;

/// A transform in passes, one for each factor of `n`.
pub struct Mixed<T> {
    passes: Vec<Pass<T>>,
}

/// Takes `groups` transforms of `radix * rest` each apart into `radix` of `rest`.
struct Pass<T> {
    radix: usize,
    rest: usize,
    /// For each place of `rest`, `exp(-2 pi i place k / (radix rest))` for k from 1 to `radix - 1`.
    twiddles: Vec<[T; 2]>,
    /// `exp(-2 pi i j / radix)`, where no formula of its own does the radix.
    roots: Vec<[T; 2]>,
}

/// Factors of n: fours first, then primes up to [`LARGEST`].
fn factors(n: usize) -> Option<Vec<usize>> {
    let mut left = n;
    let mut factors = Vec::new();
    for radix in [4, 2].into_iter().chain((3..=LARGEST).step_by(2)) {
        while left.is_multiple_of(radix) {
            factors.push(radix);
            left /= radix;
        }
    }
    (left == 1).then_some(factors)
}

impl<T: Float> Mixed<T> {
    /// Of a length from 1 up; none where a prime factor is too large.
    pub fn new(n: usize) -> Option<Self> {
        let mut left = n;
        let passes = factors(n)?.into_iter().map(|radix| {
            let pass = Pass::new(radix, left / radix);
            left /= radix;
            pass
        });
        Some(Mixed {
            passes: passes.collect(),
        })
    }

    /// As `Plan::run`.
    pub fn run<'a>(&self, x: Pair<'a, T>, y: Pair<'a, T>, lanes: usize) -> [Pair<'a, T>; 2] {
        let (mut x, mut y) = (x, y);
        let mut stride = lanes;
        for pass in &self.passes {
            let [re, im] = &mut y;
            dispatch(Apply {
                pass,
                stride,
                x: [&*x[0], &*x[1]],
                y: [re, im],
            });
            std::mem::swap(&mut x, &mut y);
            stride *= pass.radix;
        }
        [x, y]
    }
}

impl<T: Float> Pass<T> {
    fn new(radix: usize, rest: usize) -> Self {
        let mut twiddles = Vec::new();
        reserve(&mut twiddles, rest * (radix - 1));
        for place in 0..rest {
            twiddles.extend((1..radix).map(|k| rounded_root(place * k, radix * rest)));
        }
        let roots = match radix {
            2..=5 => Vec::new(),
            _ => (0..radix).map(|j| rounded_root(j, radix)).collect(),
        };
        Pass {
            radix,
            rest,
            twiddles,
            roots,
        }
    }
}

/// One pass over numbers of which `stride` neighbours are alike.
struct Apply<'a, T> {
    pass: &'a Pass<T>,
    stride: usize,
    x: [&'a [T]; 2],
    y: [&'a mut [T]; 2],
}

impl<T: Float> Loop for Apply<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(mut self) {
        match self.pass.radix {
            2 => self.butterflies::<2>(),
            3 => self.butterflies::<3>(),
            4 => self.butterflies::<4>(),
            5 => self.butterflies::<5>(),
            _ => self.sums(),
        }
    }
}

impl<T: Float> Apply<'_, T> {
    #[inline(always)]
    fn butterflies<const R: usize>(&mut self) {
        for place in 0..self.pass.rest {
            let mut w = [[T::ONE, T::ZERO]; R];
            w[1..].copy_from_slice(&self.pass.twiddles[place * (R - 1)..][..R - 1]);
            let stride = self.stride;
            by_blocks(
                stride,
                &mut Butterflies {
                    pass: self,
                    place,
                    w,
                },
            );
        }
    }

    /// Radices without a formula of their own: the sums as they are.
    #[inline(always)]
    fn sums(&mut self) {
        let (stride, rest, radix) = (self.stride, self.pass.rest, self.pass.radix);
        for place in 0..rest {
            for k in 0..radix {
                let w = match k {
                    0 => [T::ONE, T::ZERO],
                    _ => self.pass.twiddles[place * (radix - 1) + k - 1],
                };
                let to = stride * (radix * place + k);
                let [re, im] = &mut self.y;
                let (re, im) = (&mut re[to..to + stride], &mut im[to..to + stride]);
                re.copy_from_slice(&self.x[0][stride * place..][..stride]);
                im.copy_from_slice(&self.x[1][stride * place..][..stride]);
                for j in 1..radix {
                    let root = self.pass.roots[j * k % radix];
                    let from = stride * (place + j * rest);
                    let a = (&self.x[0][from..][..stride], &self.x[1][from..][..stride]);
                    let sums = re.iter_mut().zip(im.iter_mut());
                    for ((re, im), (x, y)) in sums.zip(a.0.iter().zip(a.1)) {
                        *re = x.mul_add(root[0], y.mul_add(-root[1], *re));
                        *im = x.mul_add(root[1], y.mul_add(root[0], *im));
                    }
                }
                if k > 0 && place > 0 {
                    for (re, im) in re.iter_mut().zip(im) {
                        [*re, *im] = product([*re, *im], w);
                    }
                }
            }
        }
    }
}

/// The butterflies of one place.
struct Butterflies<'p, 'a, T, const R: usize> {
    pass: &'p mut Apply<'a, T>,
    place: usize,
    w: [[T; 2]; R],
}

impl<T: Float, const R: usize> Blocks for Butterflies<'_, '_, T, R> {
    #[inline(always)]
    fn block<const B: usize>(&mut self, at: usize) {
        let (stride, rest) = (self.pass.stride, self.pass.pass.rest);
        let (mut re, mut im) = ([[T::ZERO; B]; R], [[T::ZERO; B]; R]);
        for j in 0..R {
            let from = stride * (self.place + j * rest) + at;
            re[j] = load(self.pass.x[0], from, T::ZERO);
            im[j] = load(self.pass.x[1], from, T::ZERO);
        }
        let (mut out_re, mut out_im) = ([[T::ZERO; B]; R], [[T::ZERO; B]; R]);
        for l in 0..B {
            let mut a = [[T::ZERO; 2]; R];
            for j in 0..R {
                a[j] = [re[j][l], im[j][l]];
            }
            let b = butterfly(a);
            for k in 0..R {
                // All factors of place 0 are one.
                let made = match k > 0 && self.place > 0 {
                    true => product(b[k], self.w[k]),
                    false => b[k],
                };
                (out_re[k][l], out_im[k][l]) = (made[0], made[1]);
            }
        }
        for k in 0..R {
            let to = stride * (R * self.place + k) + at;
            self.pass.y[0][to..to + B].copy_from_slice(&out_re[k]);
            self.pass.y[1][to..to + B].copy_from_slice(&out_im[k]);
        }
    }
}

/// `b_k = sum_j a_j exp(-2 pi i j k / R)`.
#[inline(always)]
fn butterfly<T: Float, const R: usize>(a: [[T; 2]; R]) -> [[T; 2]; R] {
    let mut b = a;
    match R {
        2 => (b[0], b[1]) = (sum(a[0], a[1]), difference(a[0], a[1])),
        3 => {
            let both = sum(a[1], a[2]);
            let turned = turned(scaled(difference(a[1], a[2]), 0.8660254037844386));
            let middle = added(a[0], both, -0.5);
            b[0] = sum(a[0], both);
            b[1] = sum(middle, turned);
            b[2] = difference(middle, turned);
        }
        4 => {
            let (even, odd) = (sum(a[0], a[2]), sum(a[1], a[3]));
            let (rest, turned) = (difference(a[0], a[2]), turned(difference(a[1], a[3])));
            b[0] = sum(even, odd);
            b[1] = sum(rest, turned);
            b[2] = difference(even, odd);
            b[3] = difference(rest, turned);
        }
        _ => {
            let (near, far) = (sum(a[1], a[4]), sum(a[2], a[3]));
            let (beside, across) = (difference(a[1], a[4]), difference(a[2], a[3]));
            // Cosines and sines of one and two fifths of a turn.
            let (c1, c2) = (0.30901699437494745, -0.8090169943749475);
            let (s1, s2) = (0.9510565162951535, 0.5877852522924731);
            let first = added(added(a[0], near, c1), far, c2);
            let second = added(added(a[0], near, c2), far, c1);
            let first_turned = turned(added(scaled(beside, s1), across, s2));
            let second_turned = turned(added(scaled(beside, s2), across, -s1));
            b[0] = sum(sum(a[0], near), far);
            b[1] = sum(first, first_turned);
            b[2] = sum(second, second_turned);
            b[3] = difference(second, second_turned);
            b[4] = difference(first, first_turned);
        }
    }
    b
}

#[inline(always)]
fn sum<T: Float>(a: [T; 2], b: [T; 2]) -> [T; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline(always)]
fn difference<T: Float>(a: [T; 2], b: [T; 2]) -> [T; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

#[inline(always)]
fn scaled<T: Float>(a: [T; 2], by: f64) -> [T; 2] {
    let by = T::from_f64(by);
    [a[0] * by, a[1] * by]
}

/// `a + by b`.
#[inline(always)]
fn added<T: Float>(a: [T; 2], b: [T; 2], by: f64) -> [T; 2] {
    let by = T::from_f64(by);
    [b[0].mul_add(by, a[0]), b[1].mul_add(by, a[1])]
}

/// `-i a`.
#[inline(always)]
fn turned<T: Float>(a: [T; 2]) -> [T; 2] {
    [a[1], -a[0]]
}
