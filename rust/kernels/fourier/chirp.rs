//! Lengths with a large prime factor: `k i = (k^2 + i^2 - (k - i)^2) / 2`, so that the transform is a
//! convolution with the chirp `exp(pi i j^2 / n)`, done by transforms of a power of two.

use super::mixed::Mixed;
use super::{product, root, rounded_root, Pair};
use crate::kernels::float::Float;
use crate::kernels::isa::{dispatch, Loop};
use crate::memory::room;

pub struct Chirp<T> {
    n: usize,
    width: usize,
    inner: Mixed<T>,
    /// `exp(-pi i j^2 / n)`.
    chirp: Vec<[T; 2]>,
    /// The transform of the chirp's conjugate, over `width`.
    kernel: Vec<[T; 2]>,
}

/// The inner transform, whose length is a power of two.
fn inner<T: Float>(width: usize) -> Mixed<T> {
    Mixed::new(width).unwrap_or_else(|| unreachable!("{width} is a power of two"))
}

impl<T: Float> Chirp<T> {
    pub fn new(n: usize) -> Self {
        let width = (2 * n - 1).next_power_of_two();
        // Squares grow by odd numbers, so that none is ever multiplied out.
        let mut square = 0;
        let places: Vec<usize> = (0..n)
            .map(|j| {
                let place = square;
                square = (square + 2 * j + 1) % (2 * n);
                place
            })
            .collect();
        let mut parts = [(); 4].map(|_| room(0.0, width));
        for (j, place) in places.iter().enumerate() {
            let [re, im] = root(*place, 2 * n);
            for at in [j, (width - j) % width] {
                (parts[0][at], parts[1][at]) = (re, -im);
            }
        }
        let [re, im, room_re, room_im] = &mut parts;
        let [[re, im], _] = inner::<f64>(width).run([re, im], [room_re, room_im], 1);
        let kernel = re.iter().zip(im.iter());
        let kernel = kernel.map(|(re, im)| [*re, *im].map(|x| T::from_f64(x / width as f64)));
        Chirp {
            n,
            width,
            inner: inner(width),
            chirp: places.iter().map(|j| rounded_root(*j, 2 * n)).collect(),
            kernel: kernel.collect(),
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// As `Plan::run`.
    pub fn run<'a>(&self, mut x: Pair<'a, T>, y: Pair<'a, T>, lanes: usize) -> [Pair<'a, T>; 2] {
        multiply(&mut x, &self.chirp, lanes);
        for part in &mut x {
            part[self.n * lanes..self.width * lanes].fill(T::ZERO);
        }
        let [mut x, y] = self.inner.run(x, y, lanes);
        multiply(&mut x, &self.kernel, lanes);
        // Parts that change places make the transform its inverse.
        let [re, im] = x;
        let [[im, re], other] = self.inner.run([im, re], y, lanes);
        let mut result = [re, im];
        multiply(&mut result, &self.chirp, lanes);
        [result, other]
    }
}

/// Multiplies each row by the same numbers.
fn multiply<T: Float>(x: &mut Pair<T>, by: &[[T; 2]], lanes: usize) {
    let [re, im] = x;
    dispatch(Multiply { re, im, by, lanes });
}

struct Multiply<'a, T> {
    re: &'a mut [T],
    im: &'a mut [T],
    by: &'a [[T; 2]],
    lanes: usize,
}

impl<T: Float> Loop for Multiply<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.re.chunks_exact_mut(self.lanes);
        let rows = rows.zip(self.im.chunks_exact_mut(self.lanes));
        for ((re, im), by) in rows.zip(self.by) {
            for (re, im) in re.iter_mut().zip(im) {
                [*re, *im] = product([*re, *im], *by);
            }
        }
    }
}
