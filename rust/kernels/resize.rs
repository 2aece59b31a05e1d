//! Resizing of images: a weighted sum over rows, then one over columns.
//!
//! The weights are those of `jax.image.resize`: pixels are unit squares, the kernel is widened when
//! shrinking only with antialiasing, and what falls outside the image is left out of the sum, whose
//! weights add up to one.

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::rows::parallel_rows;
use crate::memory::{reserve, room};
use std::ops::Range;

/// How a value between pixels is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Nearest,
    /// The triangle of radius 1.
    Bilinear,
    /// Keys's cubic with `a = -1/2`, of radius 2.
    Bicubic,
    /// The windowed sinc of radius 3.
    Lanczos3,
    /// The windowed sinc of radius 5.
    Lanczos5,
}

impl Method {
    fn radius(self) -> f64 {
        match self {
            Method::Nearest | Method::Bilinear => 1.0,
            Method::Bicubic => 2.0,
            Method::Lanczos3 => 3.0,
            Method::Lanczos5 => 5.0,
        }
    }

    /// The weight at the distance `x >= 0`.
    fn weight(self, x: f64) -> f64 {
        let radius = self.radius();
        match self {
            _ if x > radius => 0.0,
            Method::Nearest | Method::Bilinear => 1.0 - x,
            Method::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Method::Bicubic => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Method::Lanczos3 | Method::Lanczos5 if x <= 1e-3 => 1.0,
            Method::Lanczos3 | Method::Lanczos5 => {
                let angle = std::f64::consts::PI * x;
                radius * Float::sin(angle) * Float::sin(angle / radius) / (angle * angle)
            }
        }
    }
}

/// A sparse matrix whose rows are runs: `out[i] = sum over t of weights[t] * x[first + t]`.
#[derive(Debug)]
pub struct Taps<T> {
    /// Length of x.
    inputs: usize,
    first: Vec<usize>,
    /// Where the weights of each output begin, and the end of the last.
    start: Vec<usize>,
    weights: Vec<T>,
    identity: bool,
}

impl Taps<f64> {
    /// The weights that resize an axis of `inputs` elements to `outputs`, both at least one.
    pub fn new(method: Method, antialias: bool, inputs: usize, outputs: usize) -> Self {
        let mut taps = Taps {
            inputs,
            first: Vec::new(),
            start: vec![0],
            weights: Vec::new(),
            identity: inputs == outputs,
        };
        let step = inputs as f64 / outputs as f64;
        let width = if antialias { step.max(1.0) } else { 1.0 };
        for i in 0..outputs {
            if taps.identity {
                taps.push(i, &[1.0]);
                continue;
            }
            if method == Method::Nearest {
                // Rounded as JAX rounds, so that ties fall alike.
                let place = (i as f32 + 0.5) * inputs as f32 / outputs as f32;
                taps.push((place as usize).min(inputs - 1), &[1.0]);
                continue;
            }
            let centre = (i as f64 + 0.5) * step - 0.5;
            let reach = method.radius() * width;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(inputs - 1);
            let mut found: Vec<f64> = Vec::new();
            reserve(&mut found, (last + 1).saturating_sub(first));
            found.extend((first..=last).map(|j| method.weight((centre - j as f64).abs() / width)));
            let total: f64 = found.iter().sum();
            // As JAX: sums near zero are no weights at all.
            let scale = match total.abs() > 1e3 * f64::from(f32::EPSILON) {
                true => 1.0 / total,
                false => 0.0,
            };
            let kept = trim(&found);
            found[kept.clone()].iter_mut().for_each(|w| *w *= scale);
            taps.push(first + kept.start, &found[kept]);
        }
        taps
    }

    fn push(&mut self, first: usize, weights: &[f64]) {
        reserve(&mut self.first, 1);
        self.first.push(first);
        reserve(&mut self.weights, weights.len());
        self.weights.extend_from_slice(weights);
        reserve(&mut self.start, 1);
        self.start.push(self.weights.len());
    }

    /// The transposed matrix; its rows are runs as well, since the places only grow.
    pub fn transposed(&self) -> Self {
        let outputs = self.first.len();
        let mut taps = Taps {
            inputs: outputs,
            first: Vec::new(),
            start: vec![0],
            weights: Vec::new(),
            identity: self.identity,
        };
        for j in 0..self.inputs {
            let column: Vec<f64> = (0..outputs).map(|i| self.at(i, j)).collect();
            let kept = trim(&column);
            taps.push(kept.start, &column[kept]);
        }
        taps
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        let (first, weights) = self.of(i);
        match j.checked_sub(first) {
            Some(t) => weights.get(t).copied().unwrap_or(0.0),
            None => 0.0,
        }
    }

    pub fn cast<T: Float>(self) -> Taps<T> {
        let mut weights = Vec::new();
        reserve(&mut weights, self.weights.len());
        weights.extend(self.weights.iter().map(|w| T::from_f64(*w)));
        Taps {
            inputs: self.inputs,
            first: self.first,
            start: self.start,
            weights,
            identity: self.identity,
        }
    }
}

/// The range without the zeros at both ends.
fn trim(weights: &[f64]) -> Range<usize> {
    let first = weights.iter().position(|w| *w != 0.0).unwrap_or(0);
    let last = weights.iter().rposition(|w| *w != 0.0);
    first..last.map_or(first, |l| l + 1)
}

impl<T> Taps<T> {
    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The first element that output `i` reads, and the weights from there on.
    #[inline(always)]
    fn of(&self, i: usize) -> (usize, &[T]) {
        (
            self.first[i],
            &self.weights[self.start[i]..self.start[i + 1]],
        )
    }
}

/// Elements of a row that are summed in registers.
const LANES: usize = 64;
/// Elements that a line has beyond its end, so that three channels are read as four.
const SPARE: usize = 1;

struct Rows<'a, T> {
    /// All images.
    x: &'a [T],
    channels: usize,
    rows: &'a Taps<T>,
    columns: &'a Taps<T>,
    /// The number of the first row of `out`, counted through all images.
    first: usize,
    out: &'a mut [T],
}

impl<T: Float> Loop for Rows<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Rows {
            x,
            channels,
            rows,
            columns,
            first,
            out,
        } = self;
        let width = columns.inputs * channels;
        let mut line = room(T::ZERO, width + SPARE);
        for (r, out) in out.chunks_exact_mut(columns.len() * channels).enumerate() {
            let (n, i) = ((first + r) / rows.len(), (first + r) % rows.len());
            let image = &x[n * rows.inputs * width..(n + 1) * rows.inputs * width];
            let (from, weights) = rows.of(i);
            let image = &image[from * width..];
            if columns.identity {
                sum_rows(image, weights, out);
                continue;
            }
            sum_rows(image, weights, &mut line[..width]);
            match channels {
                1 => sum_columns::<T, 1, 1>(&line, columns, out),
                3 => sum_columns::<T, 3, 4>(&line, columns, out),
                4 => sum_columns::<T, 4, 4>(&line, columns, out),
                _ => sum_columns_of_any(&line, columns, channels, out),
            }
        }
    }
}

/// `out = sum over t of weights[t] * row t of x`.
#[inline(always)]
fn sum_rows<T: Float>(x: &[T], weights: &[T], out: &mut [T]) {
    let width = out.len();
    for (block, out) in out.chunks_mut(LANES).enumerate() {
        let at = block * LANES;
        if out.len() == LANES {
            let mut sum = [T::ZERO; LANES];
            for (t, weight) in weights.iter().enumerate() {
                let row = &x[t * width + at..][..LANES];
                for k in 0..LANES {
                    sum[k] = weight.mul_add(row[k], sum[k]);
                }
            }
            out.copy_from_slice(&sum);
        } else {
            out.fill(T::ZERO);
            for (t, weight) in weights.iter().enumerate() {
                let row = &x[t * width + at..][..out.len()];
                for (out, x) in out.iter_mut().zip(row) {
                    *out = weight.mul_add(*x, *out);
                }
            }
        }
    }
}

/// `out[i] = sum over t of weights[t] * line[first + t]`, pixels of `C` channels read and written
/// `L` at a time: what a pixel writes too much, the next one writes over.
#[inline(always)]
fn sum_columns<T: Float, const C: usize, const L: usize>(
    line: &[T],
    columns: &Taps<T>,
    out: &mut [T],
) {
    let ends = columns.start.windows(2);
    for (i, (first, ends)) in columns.first.iter().zip(ends).enumerate() {
        let weights = &columns.weights[ends[0]..ends[1]];
        let pixels = &line[first * C..(first + weights.len()) * C + L - C];
        let sum = match weights {
            [a, b] => sum_pixels::<T, C, L, 2>(pixels, [*a, *b]),
            [a, b, c, d] => sum_pixels::<T, C, L, 4>(pixels, [*a, *b, *c, *d]),
            _ => {
                let mut sum = [T::ZERO; L];
                for (t, weight) in weights.iter().enumerate() {
                    let x = &pixels[t * C..t * C + L];
                    for k in 0..L {
                        sum[k] = weight.mul_add(x[k], sum[k]);
                    }
                }
                sum
            }
        };
        match out[i * C..].first_chunk_mut::<L>() {
            Some(out) => *out = sum,
            None => (0..C).for_each(|k| out[i * C + k] = sum[k]),
        }
    }
}

#[inline(always)]
fn sum_pixels<T: Float, const C: usize, const L: usize, const N: usize>(
    pixels: &[T],
    weights: [T; N],
) -> [T; L] {
    let pixels = &pixels[..(N - 1) * C + L];
    let mut sum = [T::ZERO; L];
    for t in 0..N {
        for k in 0..L {
            sum[k] = weights[t].mul_add(pixels[t * C + k], sum[k]);
        }
    }
    sum
}

#[inline(always)]
fn sum_columns_of_any<T: Float>(line: &[T], columns: &Taps<T>, channels: usize, out: &mut [T]) {
    for (i, out) in out.chunks_exact_mut(channels).enumerate() {
        let (first, weights) = columns.of(i);
        out.fill(T::ZERO);
        for (t, weight) in weights.iter().enumerate() {
            let at = (first + t) * channels;
            for (out, x) in out.iter_mut().zip(&line[at..at + channels]) {
                *out = weight.mul_add(*x, *out);
            }
        }
    }
}

/// Images `x` (N, rows' inputs, columns' inputs, channels) to `out` (N, rows, columns, channels).
pub fn resample<T: Float>(
    x: &[T],
    channels: usize,
    rows: &Taps<T>,
    columns: &Taps<T>,
    out: &mut [T],
) {
    parallel_rows(out, columns.len() * channels, |first, out| {
        dispatch(Rows {
            x,
            channels,
            rows,
            columns,
            first,
            out,
        });
    });
}

/// As [`resample`] where every output reads one element: copies, of any type.
pub fn pick<T: Copy + Send + Sync, W: Sync>(
    x: &[T],
    channels: usize,
    rows: &Taps<W>,
    columns: &Taps<W>,
    out: &mut [T],
) {
    let (width, out_width) = (columns.inputs * channels, columns.len() * channels);
    parallel_rows(out, out_width, |first, out| {
        let source = |r: usize| {
            let (n, i) = ((first + r) / rows.len(), (first + r) % rows.len());
            n * rows.inputs + rows.first[i]
        };
        for r in 0..out.len() / out_width {
            let (above, out) = out.split_at_mut(r * out_width);
            let out = &mut out[..out_width];
            if r > 0 && source(r) == source(r - 1) {
                out.copy_from_slice(&above[(r - 1) * out_width..]);
                continue;
            }
            let line = &x[source(r) * width..][..width];
            match channels {
                _ if columns.identity => out.copy_from_slice(line),
                1 => pick_columns::<T, 1>(line, &columns.first, out),
                3 => pick_columns::<T, 3>(line, &columns.first, out),
                _ => {
                    for (from, out) in columns.first.iter().zip(out.chunks_exact_mut(channels)) {
                        out.copy_from_slice(&line[from * channels..][..channels]);
                    }
                }
            }
        }
    });
}

fn pick_columns<T: Copy, const C: usize>(line: &[T], places: &[usize], out: &mut [T]) {
    for (from, out) in places.iter().zip(out.chunks_exact_mut(C)) {
        out.copy_from_slice(&line[from * C..from * C + C]);
    }
}
