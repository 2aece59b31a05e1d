//! Pixels read at their places and written to a row: runs inside the image, and single ones.

use super::places::Places;
use super::{Method, Reading, Size};
use crate::kernels::float::Float;
use std::ops::Range;

/// `a` at weight 0, `b` at weight 1.
#[inline(always)]
fn between<T: Float>(weight: T, a: T, b: T) -> T {
    weight.mul_add(b - a, a)
}

#[inline(always)]
fn bilinear<T: Float>(right: T, down: T, [a, b, c, d]: [T; 4]) -> T {
    between(down, between(right, a, b), between(right, c, d))
}

/// Asks for the cache line of an element, so that it is there when it is read.
#[inline(always)]
pub fn prefetch<T>(x: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if at < x.len() {
        use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T0};
        // SAFETY: the element is in the slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(x.as_ptr().add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, at);
}

#[inline(always)]
pub fn copy<T: Float>(
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
pub fn interpolate<T: Float>(
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
pub unsafe fn write_fixed<T: Float, const C: usize, const L: usize>(
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
pub unsafe fn pixel_fixed<T: Float, const C: usize, const L: usize>(
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
pub unsafe fn between_fixed<T: Float, const C: usize, const L: usize>(
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
pub fn border<T: Float>(
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
