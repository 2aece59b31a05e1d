//! Where a chunk of output pixels reads the input.

use super::{Method, Reading, Size};
use crate::kernels::float::Float;

/// Pixels of a chunk.
pub const CHUNK: usize = 128;

/// The places of a chunk of pixels in the input.
pub struct Places<T> {
    /// The pixel at `(row, column)` where it and its neighbours are inside; else -1.
    pub at: [i32; CHUNK],
    column: [T; CHUNK],
    row: [T; CHUNK],
    /// How far to the right of the column and below the row.
    pub right: [T; CHUNK],
    pub down: [T; CHUNK],
    /// 0, 1, 2, ...
    ramp: [T; CHUNK],
}

impl<T: Float> Places<T> {
    pub fn new() -> Self {
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
    pub fn find(
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
    pub fn run(&self, i: usize, n: usize) -> usize {
        i + self.at[i..n].iter().take_while(|at| **at >= 0).count()
    }

    /// The first elements of the four neighbours of pixel `i`: of the nearest method only one.
    #[inline(always)]
    pub fn neighbours(&self, i: usize, reading: Reading, size: Size) -> [Option<usize>; 4] {
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
