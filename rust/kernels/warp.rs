//! Warps of images: every output pixel reads the input at the place that a transform gives it.
//!
//! A row is worked on in chunks. First the places of a chunk are found, in vectors; then runs of
//! pixels whose neighbours all lie inside the image are interpolated without a check, and the
//! others one by one through the fill rule. Both do the same arithmetic.

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::rows::{parallel_blocks, parallel_rows};
use pixels::{between_fixed, border, copy, interpolate, pixel_fixed, prefetch, write_fixed};
use places::{Places, CHUNK};

mod pixels;
mod places;

/// How a value between pixels is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// The nearest pixel; halves go away from zero.
    Nearest,
    /// Between the four neighbours.
    Bilinear,
}

/// What stands outside the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// `k k | a b c | k k`
    Constant,
    /// `a a | a b c | c c`
    Nearest,
    /// `b a | a b c | c b`
    Reflect,
    /// `b c | a b c | a b`
    Wrap,
    /// `c b | a b c | b a`
    Mirror,
}

impl Fill {
    /// The index below `n` whose element stands at `i`; `None` where the constant does.
    #[inline(always)]
    fn index(self, i: i32, n: usize) -> Option<usize> {
        let (i, n) = (i64::from(i), n as i64);
        if (0..n).contains(&i) {
            return Some(i as usize);
        }
        let found = match self {
            Fill::Constant => return None,
            Fill::Nearest => i.clamp(0, n - 1),
            Fill::Wrap => i.rem_euclid(n),
            Fill::Mirror if n == 1 => 0,
            Fill::Mirror => turned(i, n, 1).unwrap_or_else(|| wave(i, n - 1)),
            Fill::Reflect => turned(i, n, 0).unwrap_or_else(|| (wave(2 * i + 1, 2 * n) - 1) / 2),
        };
        Some(found as usize)
    }
}

/// The index reflected once, about the edge or (`edge` 1) the last element: no division.
#[inline(always)]
fn turned(i: i64, n: i64, edge: i64) -> Option<i64> {
    let j = if i < 0 {
        edge - 1 - i
    } else {
        2 * n - edge - 1 - i
    };
    (0..n).contains(&j).then_some(j)
}

/// `|i|` for `-half <= i <= half`, repeated with the period `2 half`.
#[inline(always)]
fn wave(i: i64, half: i64) -> i64 {
    ((i + half).rem_euclid(2 * half) - half).abs()
}

/// Height, width and channels of an image.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Size {
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// How pixels are read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub method: Method,
    pub fill: Fill,
}

struct Rows<'a, T> {
    /// All of them.
    images: &'a [T],
    /// One for each image.
    transforms: &'a [T],
    size: Size,
    reading: Reading,
    value: T,
    /// The number of the first row of `out`, counted through all images.
    first: usize,
    out: &'a mut [T],
}

impl<T: Float> Loop for Rows<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        match self.size.channels {
            1 => self.rows::<1, 1>(),
            3 => self.rows::<3, 4>(),
            4 => self.rows::<4, 4>(),
            _ => self.rows::<0, 0>(),
        }
    }
}

impl<T: Float> Rows<'_, T> {
    /// With `C` channels, 0 for any number, read `L` at a time.
    #[inline(always)]
    fn rows<const C: usize, const L: usize>(self) {
        let Size {
            height,
            width,
            channels,
        } = self.size;
        let mut places = Places::new();
        for (r, out) in self.out.chunks_exact_mut(width * channels).enumerate() {
            let (n, y) = ((self.first + r) / height, (self.first + r) % height);
            let image = &self.images[n * self.size.len()..(n + 1) * self.size.len()];
            let transform = std::array::from_fn(|i| self.transforms[n * 8 + i]);
            for (chunk, out) in out.chunks_mut(CHUNK * channels).enumerate() {
                let count = out.len() / channels;
                let pixels = (y, chunk * CHUNK, count);
                let spare = usize::from(L > C);
                places.find(&transform, pixels, self.reading.method, self.size, spare);
                for at in places.at[..count].iter().step_by(4) {
                    let from = (*at).max(0) as usize * channels;
                    prefetch(image, from);
                    prefetch(image, from + width * channels);
                }
                let mut i = 0;
                while i < count {
                    if places.at[i] >= 0 {
                        let run = i..places.run(i, count);
                        i = run.end;
                        match (self.reading.method, C) {
                            (Method::Nearest, 0) => copy(image, &places, run, channels, out),
                            (Method::Bilinear, 0) => {
                                interpolate(image, &places, run, self.size, out)
                            }
                            // SAFETY: the channels are C, `out` holds `count` pixels, and a place
                            // that is not -1 is inside the image, with `L > C` not its last pixel.
                            (Method::Nearest, _) => unsafe {
                                write_fixed::<T, C, L>(run, out, |i| {
                                    pixel_fixed::<T, C, L>(image, &places, i)
                                })
                            },
                            // SAFETY: as above, and so are the three neighbours.
                            (Method::Bilinear, _) => unsafe {
                                write_fixed::<T, C, L>(run, out, |i| {
                                    between_fixed::<T, C, L>(image, &places, i, width)
                                })
                            },
                        }
                    } else {
                        let out = &mut out[i * channels..(i + 1) * channels];
                        let place = (&places, i);
                        border(image, place, self.reading, self.size, self.value, out);
                        i += 1;
                    }
                }
            }
        }
    }
}

/// `out[n, y, x] = images[n, v, u]` with `(u, v)` the place that transform `n` gives `(x, y)`.
pub fn warp<T: Float>(
    images: &[T],
    transforms: &[T],
    size: Size,
    reading: Reading,
    value: T,
    out: &mut [T],
) {
    if !size.is_empty() {
        parallel_rows(out, size.width * size.channels, |first, out| {
            dispatch(Rows {
                images,
                transforms,
                size,
                reading,
                value,
                first,
                out,
            });
        });
    }
}

struct Adjoint<'a, T> {
    /// Of one image, as the result.
    dout: &'a [T],
    transform: [T; 8],
    size: Size,
    reading: Reading,
    out: &'a mut [T],
}

impl<T: Float> Loop for Adjoint<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let (size, channels) = (self.size, self.size.channels);
        let mut places = Places::new();
        for (y, dout) in self.dout.chunks_exact(size.width * channels).enumerate() {
            for (chunk, dout) in dout.chunks(CHUNK * channels).enumerate() {
                let pixels = (y, chunk * CHUNK, dout.len() / channels);
                places.find(&self.transform, pixels, self.reading.method, size, 0);
                for (i, dout) in dout.chunks_exact(channels).enumerate() {
                    let found = match places.at[i] {
                        -1 => places.neighbours(i, self.reading, size),
                        at => {
                            let from = at as usize * channels;
                            let below = from + size.width * channels;
                            [from, from + channels, below, below + channels].map(Some)
                        }
                    };
                    let (right, down) = (places.right[i], places.down[i]);
                    let (left, up) = (T::ONE - right, T::ONE - down);
                    let (weights, used) = match self.reading.method {
                        Method::Nearest => ([T::ONE; 4], 1),
                        Method::Bilinear => ([left * up, right * up, left * down, right * down], 4),
                    };
                    for (to, weight) in found.into_iter().zip(weights).take(used) {
                        let Some(to) = to else { continue };
                        for (out, dout) in self.out[to..to + channels].iter_mut().zip(dout) {
                            *out = weight.mul_add(*dout, *out);
                        }
                    }
                }
            }
        }
    }
}

/// The adjoint of [`warp`] by the images: `dout` added up where it was read, in order, image by
/// image in parallel.
pub fn warp_grad<T: Float>(
    dout: &[T],
    transforms: &[T],
    size: Size,
    reading: Reading,
    out: &mut [T],
) {
    if !size.is_empty() {
        parallel_blocks(out, size.len(), |n, out| {
            out.fill(T::ZERO);
            dispatch(Adjoint {
                dout: &dout[n * size.len()..(n + 1) * size.len()],
                transform: std::array::from_fn(|i| transforms[n * 8 + i]),
                size,
                reading,
                out,
            });
        });
    }
}
