//! Rows, and the same numbers interleaved: place i of row l at `i * lanes + l`. A loop over neighbours
//! goes by blocks, arrays of one length, which are compiled into vectors.

use crate::kernels::gemm::{transpose, Element};

/// Places whose pairs are taken apart, or put together, at a time.
const TOGETHER: usize = 16;
/// The most rows that are interleaved, for which there is room on the stack.
pub const MOST_LANES: usize = 16;

/// Work on neighbours.
pub trait Blocks {
    /// Neighbours `at..at + B`. `#[inline(always)]`.
    fn block<const B: usize>(&mut self, at: usize);
}

/// All of `n` neighbours.
#[inline(always)]
pub fn by_blocks(n: usize, work: &mut impl Blocks) {
    let mut at = 0;
    while at + 16 <= n {
        work.block::<16>(at);
        at += 16;
    }
    while at + 4 <= n {
        work.block::<4>(at);
        at += 4;
    }
    while at < n {
        work.block::<1>(at);
        at += 1;
    }
}

/// Neighbours `at..at + B` of x.
#[inline(always)]
pub fn load<T: Copy, const B: usize>(x: &[T], at: usize, zero: T) -> [T; B] {
    let mut block = [zero; B];
    block.copy_from_slice(&x[at..at + B]);
    block
}

/// Fills the first `width * lanes` of `out` with rows x of this width.
pub fn interleave<T: Element>(x: &[T], width: usize, lanes: usize, out: &mut [T]) {
    match lanes {
        1 => out[..width].copy_from_slice(x),
        _ => transpose(x, width, [lanes, width], out, lanes),
    }
}

/// The way back.
pub fn separate<T: Element>(x: &[T], lanes: usize, width: usize, out: &mut [T]) {
    match lanes {
        1 => out.copy_from_slice(&x[..width]),
        _ => transpose(x, lanes, [width, lanes], out, width),
    }
}

/// As [`interleave`], the even places of rows of `2 m` into one array and the odd ones into another.
pub fn interleave_pairs<T: Element + Default>(x: &[T], m: usize, lanes: usize, out: [&mut [T]; 2]) {
    let [even, odd] = out;
    if lanes == 1 {
        for (pair, (even, odd)) in x.chunks_exact(2).zip(even.iter_mut().zip(odd)) {
            (*even, *odd) = (pair[0], pair[1]);
        }
        return;
    }
    let mut tile = [T::default(); 2 * TOGETHER * MOST_LANES];
    for at in (0..m).step_by(TOGETHER) {
        let places = TOGETHER.min(m - at);
        transpose(&x[2 * at..], 2 * m, [lanes, 2 * places], &mut tile, lanes);
        let pairs = tile.chunks_exact(2 * lanes).take(places);
        let to = even[at * lanes..].chunks_exact_mut(lanes);
        let to = to.zip(odd[at * lanes..].chunks_exact_mut(lanes));
        for (pair, (even, odd)) in pairs.zip(to) {
            even.copy_from_slice(&pair[..lanes]);
            odd.copy_from_slice(&pair[lanes..]);
        }
    }
}

/// The way back.
pub fn separate_pairs<T: Element + Default>(x: [&[T]; 2], lanes: usize, m: usize, out: &mut [T]) {
    if lanes == 1 {
        for (pair, (even, odd)) in out.chunks_exact_mut(2).zip(x[0].iter().zip(x[1])) {
            (pair[0], pair[1]) = (*even, *odd);
        }
        return;
    }
    let mut tile = [T::default(); 2 * TOGETHER * MOST_LANES];
    for at in (0..m).step_by(TOGETHER) {
        let places = TOGETHER.min(m - at);
        let from = x[0][at * lanes..].chunks_exact(lanes);
        let from = from.zip(x[1][at * lanes..].chunks_exact(lanes));
        let pairs = tile.chunks_exact_mut(2 * lanes).take(places);
        for (pair, (even, odd)) in pairs.zip(from) {
            pair[..lanes].copy_from_slice(even);
            pair[lanes..].copy_from_slice(odd);
        }
        transpose(&tile, lanes, [2 * places, lanes], &mut out[2 * at..], 2 * m);
    }
}
