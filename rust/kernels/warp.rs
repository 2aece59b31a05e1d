//! Warps of images: every output pixel reads the input at the place that a transform gives it.
//!
//! A row is worked on in chunks. First the places of a chunk are found, in vectors; then runs of
//! pixels whose neighbours all lie inside the image are interpolated without a check, and the
//! others one by one through the fill rule. Both do the same arithmetic.

use super::float::Float;
use super::isa::{dispatch, Kernel};
use super::rows::{parallel_blocks, parallel_rows};
use std::ops::Range;

/// Pixels of a chunk.
const CHUNK: usize = 128;

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

/// The places of a chunk of pixels in the input.
struct Places<T> {
    /// The pixel at `(row, column)` where it and its neighbours are inside; else -1.
    at: [i32; CHUNK],
    column: [T; CHUNK],
    row: [T; CHUNK],
    /// How far to the right of the column and below the row.
    right: [T; CHUNK],
    down: [T; CHUNK],
    /// 0, 1, 2, ...
    ramp: [T; CHUNK],
}

impl<T: Float> Places<T> {
    fn new() -> Self {
        Places {
            at: [-1; CHUNK],
            column: [T::ZERO; CHUNK],
            row: [T::ZERO; CHUNK],
            right: [T::ZERO; CHUNK],
            down: [T::ZERO; CHUNK],
            ramp: std::array::from_fn(T::from_usize),
        }
    }

    /// The places of the pixels `(first.., y)`. `spare` pixels at the end of the image count as
    /// outside.
    #[inline(always)]
    fn find(
        &mut self,
        transform: &[T; 8],
        (y, first, n): (usize, usize, usize),
        method: Method,
        size: Size,
        spare: usize,
    ) {
        let [a0, a1, a2, b0, b1, b2, c0, c1] = *transform;
        let (start, y) = (T::from_usize(first), T::from_usize(y));
        let (a, b, c) = (a1.mul_add(y, a2), b1.mul_add(y, b2), c1.mul_add(y, T::ONE));
        let (column, row, ramp) = (&mut self.column[..n], &mut self.row[..n], &self.ramp[..n]);
        for i in 0..n {
            let x = ramp[i] + start;
            column[i] = a0.mul_add(x, a);
            row[i] = b0.mul_add(x, b);
        }
        if c0 != T::ZERO || c1 != T::ZERO {
            for i in 0..n {
                let k = c0.mul_add(ramp[i] + start, c);
                column[i] /= k;
                row[i] /= k;
            }
        }
        match method {
            Method::Nearest => self.locate(n, size, 0, spare, round),
            Method::Bilinear => self.locate(n, size, 1, spare, T::floor),
        }
    }

    /// Pixels and rests of the places, with `reach` neighbours to the right and below.
    #[inline(always)]
    fn locate(&mut self, n: usize, size: Size, reach: usize, spare: usize, whole: impl Fn(T) -> T) {
        let at = &mut self.at[..n];
        let (column, row) = (&mut self.column[..n], &mut self.row[..n]);
        let (right, down) = (&mut self.right[..n], &mut self.down[..n]);
        // Where whole numbers of pixels are not exact, or too many, every pixel takes the slow way.
        let vast = size.width.max(size.height) > 1 << 24 || size.len() > i32::MAX as usize;
        let pixels = if vast { 0 } else { size.height * size.width };
        let limit = pixels.saturating_sub(spare + reach * (size.width + 1)) as i32;
        let width = if vast { 0 } else { size.width as i32 };
        let last_column = T::from_usize(size.width) - T::from_usize(1 + reach);
        let last_row = T::from_usize(size.height) - T::from_usize(1 + reach);
        for i in 0..n {
            let (u, v) = (column[i], row[i]);
            let (left, top) = (whole(u), whole(v));
            (column[i], row[i]) = (left, top);
            (right[i], down[i]) = (u - left, v - top);
            let inside = (limit > 0)
                & (left >= T::ZERO)
                & (left <= last_column)
                & (top >= T::ZERO)
                & (top <= last_row);
            let inner = |place: T| if inside { place } else { T::ZERO };
            // SAFETY: zero, or a place inside an image whose width and height are within i32.
            let (left, top) = unsafe {
                (
                    inner(left).to_i32_unchecked(),
                    inner(top).to_i32_unchecked(),
                )
            };
            let pixel = top * width + left;
            at[i] = if inside & (pixel < limit) { pixel } else { -1 };
        }
    }

    /// The end of the run of pixels from `i` on that are inside as pixel `i` is.
    #[inline(always)]
    fn run(&self, i: usize, n: usize) -> usize {
        i + self.at[i..n].iter().take_while(|at| **at >= 0).count()
    }

    /// The first elements of the four neighbours of pixel `i`: of the nearest method only one.
    #[inline(always)]
    fn neighbours(&self, i: usize, reading: Reading, size: Size) -> [Option<usize>; 4] {
        let (column, row) = (self.column[i].to_i32(), self.row[i].to_i32());
        let left = reading.fill.index(column, size.width);
        let top = reading.fill.index(row, size.height);
        let element = |row: Option<usize>, column: Option<usize>| match (row, column) {
            (Some(row), Some(column)) => Some((row * size.width + column) * size.channels),
            _ => None,
        };
        if reading.method == Method::Nearest {
            return [element(top, left), None, None, None];
        }
        let right = reading.fill.index(column.saturating_add(1), size.width);
        let bottom = reading.fill.index(row.saturating_add(1), size.height);
        [
            element(top, left),
            element(top, right),
            element(bottom, left),
            element(bottom, right),
        ]
    }
}

/// The nearest integer, halves away from zero.
#[inline(always)]
fn round<T: Float>(x: T) -> T {
    let whole = x.trunc();
    if (x - whole).abs() >= T::from_f64(0.5) {
        whole + T::ONE.copysign(x)
    } else {
        whole
    }
}

/// `a` at weight 0, `b` at weight 1.
#[inline(always)]
fn between<T: Float>(weight: T, a: T, b: T) -> T {
    weight.mul_add(b - a, a)
}

#[inline(always)]
fn bilinear<T: Float>(right: T, down: T, [a, b, c, d]: [T; 4]) -> T {
    between(down, between(right, a, b), between(right, c, d))
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

impl<T: Float> Kernel for Rows<'_, T> {
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

#[inline(always)]
fn copy<T: Float>(
    image: &[T],
    places: &Places<T>,
    run: Range<usize>,
    channels: usize,
    out: &mut [T],
) {
    for i in run {
        let from = places.at[i] as usize * channels;
        out[i * channels..(i + 1) * channels].copy_from_slice(&image[from..from + channels]);
    }
}

/// Inside the image, any number of channels.
#[inline(always)]
fn interpolate<T: Float>(
    image: &[T],
    places: &Places<T>,
    run: Range<usize>,
    size: Size,
    out: &mut [T],
) {
    let channels = size.channels;
    for i in run {
        let from = places.at[i] as usize * channels;
        let below = from + size.width * channels;
        let (top, bottom) = (
            &image[from..from + 2 * channels],
            &image[below..below + 2 * channels],
        );
        let (a, b) = top.split_at(channels);
        let (c, d) = bottom.split_at(channels);
        let out = &mut out[i * channels..(i + 1) * channels];
        for k in 0..channels {
            out[k] = bilinear(places.right[i], places.down[i], [a[k], b[k], c[k], d[k]]);
        }
    }
}

/// Writes a run of pixels of `C` channels `L` at a time: what a pixel writes too much, the next one
/// writes over.
///
/// # Safety
/// `out` holds `run.end` pixels, and the run is not empty.
#[inline(always)]
unsafe fn write_fixed<T: Float, const C: usize, const L: usize>(
    run: Range<usize>,
    out: &mut [T],
    pixel: impl Fn(usize) -> [T; L],
) {
    debug_assert!(!run.is_empty() && run.end * C <= out.len() && L <= C + 1);
    let (to, last) = (out.as_mut_ptr(), run.end - 1);
    for i in run.start..last {
        // SAFETY: pixel i + 1 is in `out`, and C + 1 elements hold L.
        unsafe { to.add(i * C).cast::<[T; L]>().write(pixel(i)) };
    }
    let y = pixel(last);
    out[last * C..last * C + C].copy_from_slice(&y[..C]);
}

/// The pixel at place `i`, read `L` at a time.
///
/// # Safety
/// `i` is below `CHUNK`, and `L` elements of the image start at its place.
#[inline(always)]
unsafe fn pixel_fixed<T: Float, const C: usize, const L: usize>(
    image: &[T],
    places: &Places<T>,
    i: usize,
) -> [T; L] {
    // SAFETY: the caller's promise.
    unsafe {
        let from = *places.at.get_unchecked(i) as usize * C;
        debug_assert!(from + L <= image.len());
        image.as_ptr().add(from).cast::<[T; L]>().read()
    }
}

/// Between the four pixels around place `i`, read `L` at a time.
///
/// # Safety
/// `i` is below `CHUNK`, and `L` elements of the image start at each of the four.
#[inline(always)]
unsafe fn between_fixed<T: Float, const C: usize, const L: usize>(
    image: &[T],
    places: &Places<T>,
    i: usize,
    width: usize,
) -> [T; L] {
    // SAFETY: the caller's promise.
    let ([a, b, c, d], right, down) = unsafe {
        let from = *places.at.get_unchecked(i) as usize * C;
        debug_assert!(from + (width + 1) * C + L <= image.len());
        let load = |offset: usize| image.as_ptr().add(from + offset).cast::<[T; L]>().read();
        (
            [load(0), load(C), load(width * C), load(width * C + C)],
            *places.right.get_unchecked(i),
            *places.down.get_unchecked(i),
        )
    };
    let mut y = [T::ZERO; L];
    for k in 0..L {
        y[k] = bilinear(right, down, [a[k], b[k], c[k], d[k]]);
    }
    y
}

/// Any pixel, through the fill rule.
#[inline(always)]
fn border<T: Float>(
    image: &[T],
    (places, i): (&Places<T>, usize),
    reading: Reading,
    size: Size,
    value: T,
    out: &mut [T],
) {
    let found = places.neighbours(i, reading, size);
    if reading.method == Method::Nearest {
        return match found[0] {
            Some(from) => out.copy_from_slice(&image[from..from + out.len()]),
            None => out.fill(value),
        };
    }
    for (k, out) in out.iter_mut().enumerate() {
        let corners = found.map(|from| from.map_or(value, |from| image[from + k]));
        *out = bilinear(places.right[i], places.down[i], corners);
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

impl<T: Float> Kernel for Adjoint<'_, T> {
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
