//! Transforms of many rows, several at a time, in parallel.

use super::lanes::{
    by_blocks, interleave, interleave_pairs, load, separate, separate_pairs, Blocks, MOST_LANES,
};
use super::{plan, product, rounded_root, Pair, Plan};
use crate::kernels::float::Float;
use crate::kernels::gemm::Element;
use crate::kernels::isa::{dispatch, Loop};
use crate::kernels::region::{share_if, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use crate::kernels::room::with_room;
use crate::memory::reserve;
use std::sync::Arc;

/// Bytes of the interleaved rows that may lie in a core's cache together.
const MOST_BYTES: usize = 1 << 19;
/// Elements that a task should have at least.
const TASK_LEN: usize = 1 << 14;
/// Elements under which one thread does all rows.
const PARALLEL_LEN: usize = 1 << 15;

/// Rows that are interleaved. Any number gives the same bits.
fn lanes<T>(rows: usize, width: usize) -> usize {
    let full = MOST_LANES.min(64 / size_of::<T>());
    let fitting = MOST_BYTES / (4 * width * size_of::<T>());
    let most = (rows / 2).min(fitting).clamp(1, full);
    // A power of two.
    1 << most.ilog2()
}

/// Rows of a task, a multiple of those that are interleaved.
fn task_rows(lanes: usize, n: usize) -> usize {
    (TASK_LEN / (lanes * n)).max(1) * lanes
}

/// The transform of rows of complex numbers, or its inverse times n, times a factor.
pub struct Complex<T> {
    plan: Arc<Plan<T>>,
    inverse: bool,
    factor: T,
}

impl<T: Float + Element> Complex<T> {
    pub fn new(n: usize, inverse: bool, factor: f64) -> Self {
        Complex {
            plan: plan(n),
            inverse,
            factor: T::from_f64(factor),
        }
    }

    /// Whole rows of n, the parts of each number in two arrays.
    pub fn run(&self, x: [&[T]; 2], y: [&mut [T]; 2]) {
        let n = self.plan.n;
        let rows = x[0].len() / n;
        let lanes = lanes::<T>(rows, self.plan.width());
        let step = task_rows(lanes, n) * n;
        let [re, im] = y;
        let from = x[0].par_chunks(step).zip(x[1].par_chunks(step));
        let to = re.par_chunks_mut(step).zip(im.par_chunks_mut(step));
        let tasks = from.zip(to);
        share_if(rows * n >= PARALLEL_LEN, tasks, |((xr, xi), (re, im))| {
            let from = xr.chunks(lanes * n).zip(xi.chunks(lanes * n));
            let to = re.chunks_mut(lanes * n).zip(im.chunks_mut(lanes * n));
            for ((xr, xi), (re, im)) in from.zip(to) {
                self.together([xr, xi], [re, im]);
            }
        });
    }

    /// Rows that are interleaved, all of them.
    fn together(&self, x: [&[T]; 2], y: [&mut [T]; 2]) {
        let n = self.plan.n;
        let lanes = x[0].len() / n;
        with_room(
            [self.plan.width() * lanes; 4],
            |[re, im, re_room, im_room]| {
                interleave(x[0], n, lanes, re);
                interleave(x[1], n, lanes, im);
                // With its parts in each other's place a number is i times its conjugate.
                let pair = if self.inverse { [im, re] } else { [re, im] };
                let [made, _] = self.plan.run(pair, [re_room, im_room], lanes);
                let [re, im] = match (made, self.inverse) {
                    ([im, re], true) => [re, im],
                    (made, false) => made,
                };
                for (made, y) in [re, im].into_iter().zip(y) {
                    multiply(&mut made[..n * lanes], self.factor);
                    separate(made, lanes, n, y);
                }
            },
        );
    }
}

/// Multiplies all by the same number.
fn multiply<T: Float>(x: &mut [T], factor: T) {
    if factor != T::ONE {
        x.iter_mut().for_each(|x| *x *= factor);
    }
}

/// The transform of real rows, of which `n / 2 + 1` numbers tell all, and the way back times n. Each of
/// those numbers is multiplied by a factor; those that stand for a conjugate too, by `twice` it.
pub struct Real<T> {
    n: usize,
    plan: Arc<Plan<T>>,
    /// `exp(-2 pi i k / n)` for k up to n / 4, where n is even.
    roots: Vec<[T; 2]>,
    once: T,
    twice: T,
}

impl<T: Float + Element> Real<T> {
    /// `once` and `twice`: the factors of numbers that are their own conjugate, and of the others.
    pub fn new(n: usize, once: f64, twice: f64) -> Self {
        let mut roots = Vec::new();
        if n.is_multiple_of(2) {
            reserve(&mut roots, n / 4 + 1);
            roots.extend((0..=n / 4).map(|k| rounded_root::<T>(k, n)));
        }
        let length = if n.is_multiple_of(2) { n / 2 } else { n };
        Real {
            n,
            plan: plan(length),
            roots,
            once: T::from_f64(once),
            twice: T::from_f64(twice),
        }
    }

    /// Numbers of a spectrum.
    fn bins(&self) -> usize {
        self.n / 2 + 1
    }

    /// Multiplies the numbers of spectra by their factors.
    fn weigh(&self, x: &mut [T], lanes: usize) {
        let bins = self.bins();
        let inner = match self.n.is_multiple_of(2) {
            true => 1..bins - 1,
            false => 1..bins,
        };
        multiply(&mut x[..lanes], self.once);
        multiply(&mut x[inner.start * lanes..inner.end * lanes], self.twice);
        multiply(&mut x[inner.end * lanes..bins * lanes], self.once);
    }

    /// Room for the numbers of a row, and for one more.
    fn room(&self, lanes: usize) -> [usize; 4] {
        [(self.plan.width() + 1) * lanes; 4]
    }

    /// Lanes, and rows of a task.
    fn cut(&self, rows: usize) -> (usize, usize) {
        let lanes = lanes::<T>(rows, self.plan.width());
        (lanes, task_rows(lanes, self.n))
    }

    /// The spectra of whole rows.
    pub fn analyse(&self, x: &[T], y: [&mut [T]; 2]) {
        let (n, bins) = (self.n, self.bins());
        let (lanes, rows) = self.cut(x.len() / n);
        let [re, im] = y;
        let to = re
            .par_chunks_mut(rows * bins)
            .zip(im.par_chunks_mut(rows * bins));
        let tasks = x.par_chunks(rows * n).zip(to);
        share_if(x.len() >= PARALLEL_LEN, tasks, |(x, (re, im))| {
            let to = re.chunks_mut(lanes * bins).zip(im.chunks_mut(lanes * bins));
            for (x, (re, im)) in x.chunks(lanes * n).zip(to) {
                self.analyse_together(x, [re, im]);
            }
        });
    }

    /// The rows of whole spectra.
    pub fn synthesise(&self, x: [&[T]; 2], y: &mut [T]) {
        let (n, bins) = (self.n, self.bins());
        let (lanes, rows) = self.cut(y.len() / n);
        let worth_it = y.len() >= PARALLEL_LEN;
        let from = x[0]
            .par_chunks(rows * bins)
            .zip(x[1].par_chunks(rows * bins));
        let tasks = from.zip(y.par_chunks_mut(rows * n));
        share_if(worth_it, tasks, |((re, im), y)| {
            let from = re.chunks(lanes * bins).zip(im.chunks(lanes * bins));
            for ((re, im), y) in from.zip(y.chunks_mut(lanes * n)) {
                self.synthesise_together([re, im], y);
            }
        });
    }

    fn analyse_together(&self, x: &[T], y: [&mut [T]; 2]) {
        let (n, bins, m) = (self.n, self.bins(), self.plan.n);
        let lanes = x.len() / n;
        with_room(self.room(lanes), |[re, im, re_room, im_room]| {
            if m < n {
                interleave_pairs(x, m, lanes, [re, im]);
            } else {
                interleave(x, n, lanes, re);
                im[..n * lanes].fill(T::default());
            }
            let [mut made, mut other] = self.plan.run([re, im], [re_room, im_room], lanes);
            if m < n {
                dispatch(Split {
                    x: [&*made[0], &*made[1]],
                    y: &mut other,
                    roots: &self.roots,
                    m,
                    lanes,
                });
                made = other;
            }
            made[1][..lanes].fill(T::default());
            for (made, y) in made.into_iter().zip(y) {
                self.weigh(made, lanes);
                separate(made, lanes, bins, y);
            }
        });
    }

    fn synthesise_together(&self, x: [&[T]; 2], y: &mut [T]) {
        let (n, bins, m) = (self.n, self.bins(), self.plan.n);
        let lanes = y.len() / n;
        with_room(self.room(lanes), |[re, im, re_room, im_room]| {
            let mut pair = [re, im];
            for (x, to) in x.iter().zip(&mut pair) {
                interleave(x, bins, lanes, to);
                self.weigh(to, lanes);
            }
            let other = [re_room, im_room];
            if m < n {
                // What a real row has no part in is not read.
                pair[1][..lanes].fill(T::default());
                pair[1][m * lanes..][..lanes].fill(T::default());
                let mut joined = other;
                dispatch(Join {
                    x: [&*pair[0], &*pair[1]],
                    y: &mut joined,
                    roots: &self.roots,
                    m,
                    lanes,
                });
                let [re, im] = joined;
                let [[im, re], _] = self.plan.run([im, re], pair, lanes);
                separate_pairs([re, im], lanes, m, y);
            } else {
                let [re, im] = pair;
                im[..lanes].fill(T::default());
                for k in 1..bins {
                    let (from, to) = (k * lanes, (n - k) * lanes);
                    re.copy_within(from..from + lanes, to);
                    for l in 0..lanes {
                        im[to + l] = -im[from + l];
                    }
                }
                let [[_, re], _] = self.plan.run([im, re], other, lanes);
                separate(re, lanes, n, y);
            }
        });
    }
}

/// From the spectrum Z of even places plus i times odd ones to that of all: with `e = (Z_k + conj
/// Z_{m-k}) / 2`, `o = (Z_k - conj Z_{m-k}) / 2` and `w = exp(-pi i k / m)`, `X_k = e - i w o`.
struct Split<'a, 'b, T> {
    x: [&'a [T]; 2],
    y: &'a mut Pair<'b, T>,
    roots: &'a [[T; 2]],
    m: usize,
    lanes: usize,
}

impl<T: Float> Loop for Split<'_, '_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let (m, lanes) = (self.m, self.lanes);
        let [re, im] = self.y;
        for l in 0..lanes {
            let (a, b) = (self.x[0][l], self.x[1][l]);
            (re[l], im[l]) = (a + b, T::ZERO);
            (re[m * lanes + l], im[m * lanes + l]) = (a - b, T::ZERO);
        }
        let half = T::from_f64(0.5);
        mirrored(self.x, [re, im], m, lanes, self.roots, |a, b, w| {
            let e = [half * (a[0] + b[0]), half * (a[1] - b[1])];
            let o = [half * (a[0] - b[0]), half * (a[1] + b[1])];
            let t = product(o, w);
            [[e[0] + t[1], e[1] - t[0]], [e[0] - t[1], -e[1] - t[0]]]
        });
    }
}

/// The way back: with `u = X_k + conj X_{m-k}` and `v = X_k - conj X_{m-k}`, `2 Z_k = u + i conj(w) v`.
struct Join<'a, 'b, T> {
    x: [&'a [T]; 2],
    y: &'a mut Pair<'b, T>,
    roots: &'a [[T; 2]],
    m: usize,
    lanes: usize,
}

impl<T: Float> Loop for Join<'_, '_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let (m, lanes) = (self.m, self.lanes);
        let [re, im] = self.y;
        for l in 0..lanes {
            let (a, b) = (self.x[0][l], self.x[0][m * lanes + l]);
            (re[l], im[l]) = (a + b, a - b);
        }
        mirrored(self.x, [re, im], m, lanes, self.roots, |a, b, w| {
            let u = [a[0] + b[0], a[1] - b[1]];
            let v = [a[0] - b[0], a[1] + b[1]];
            let t = product(v, [w[0], -w[1]]);
            [[u[0] - t[1], u[1] + t[0]], [u[0] + t[1], t[0] - u[1]]]
        });
    }
}

/// Numbers k and `m - k` of y from those of x, for k from 1 to `m / 2`, by `f(x_k, x_{m-k}, w_k)`.
#[inline(always)]
fn mirrored<T: Float>(
    x: [&[T]; 2],
    y: [&mut [T]; 2],
    m: usize,
    lanes: usize,
    roots: &[[T; 2]],
    f: impl Fn([T; 2], [T; 2], [T; 2]) -> [[T; 2]; 2],
) {
    let [re, im] = y;
    for (k, w) in roots.iter().enumerate().take(m / 2 + 1).skip(1) {
        by_blocks(
            lanes,
            &mut Mirrored {
                x,
                y: [&mut *re, &mut *im],
                places: [k, m - k].map(|place| place * lanes),
                w: *w,
                f: &f,
            },
        );
    }
}

/// Two numbers of every row.
struct Mirrored<'a, T, F> {
    x: [&'a [T]; 2],
    y: [&'a mut [T]; 2],
    places: [usize; 2],
    w: [T; 2],
    f: &'a F,
}

impl<T: Float, F: Fn([T; 2], [T; 2], [T; 2]) -> [[T; 2]; 2]> Blocks for Mirrored<'_, T, F> {
    #[inline(always)]
    fn block<const B: usize>(&mut self, at: usize) {
        let places = [self.places[0] + at, self.places[1] + at];
        let [re, im] = self.x;
        let a: [[T; B]; 2] = [load(re, places[0], T::ZERO), load(im, places[0], T::ZERO)];
        let b: [[T; B]; 2] = [load(re, places[1], T::ZERO), load(im, places[1], T::ZERO)];
        let mut y = [[[T::ZERO; B]; 2]; 2];
        for l in 0..B {
            let made = (self.f)([a[0][l], a[1][l]], [b[0][l], b[1][l]], self.w);
            for (y, made) in y.iter_mut().zip(made) {
                (y[0][l], y[1][l]) = (made[0], made[1]);
            }
        }
        for (y, place) in y.iter().zip(places) {
            for (to, part) in self.y.iter_mut().zip(y) {
                to[place..place + B].copy_from_slice(part);
            }
        }
    }
}
