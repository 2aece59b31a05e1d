//! Random numbers by counter: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, *Parallel random numbers:
//! as easy as 1, 2, 3*, SC 2011).
//!
//! Word `w` of the stream of a key is word `w % 4` of `philox([w / 4, 0, 0, 0], key)`, `w / 4`
//! filling two words. Element `i` of 32 bits takes word `i`; an `f64` takes words `2i` (low) and
//! `2i + 1` (high). So any part of a tensor can be drawn by itself, with the same bits.

use super::float::Float;
use super::isa::{dispatch, Loop};

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;
const LOW: u64 = 0xFFFF_FFFF;
/// Counters drawn at once.
const BLOCK: usize = 64;

/// Ten rounds in 64-bit lanes, of whose values the low halves count: the multiplication of low
/// halves is one vector instruction.
#[inline(always)]
fn rounds(mut c: [u64; 4], key: [u32; 2]) -> [u64; 4] {
    let mut k = key;
    for _ in 0..ROUNDS {
        let p0 = (c[0] & LOW) * MULTIPLIERS[0] as u64;
        let p1 = (c[2] & LOW) * MULTIPLIERS[1] as u64;
        c = [
            (p1 >> 32) ^ c[1] ^ k[0] as u64,
            p1,
            (p0 >> 32) ^ c[3] ^ k[1] as u64,
            p0,
        ];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}

/// Philox4x32-10 of one counter.
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    rounds(counter.map(u64::from), key).map(|c| c as u32)
}

/// The words `first..first + count` of a key's stream, in order, as `sink(words drawn before, words)`.
struct Stream<F> {
    key: [u32; 2],
    first: u64,
    count: usize,
    sink: F,
}

impl<F: FnMut(usize, &[u32])> Loop for Stream<F> {
    type Out = ();
    #[inline(always)]
    fn run(mut self) {
        let mut pairs = [[0u64; 2]; BLOCK];
        let mut done = 0;
        while done < self.count {
            let word = self.first + done as u64;
            let counter = word / 4;
            for (i, pair) in pairs.iter_mut().enumerate() {
                let at = counter + i as u64;
                let c = rounds([at, at >> 32, 0, 0], self.key);
                *pair = [(c[0] & LOW) | (c[1] << 32), (c[2] & LOW) | (c[3] << 32)];
            }
            let words = as_words(&pairs);
            let skip = (word % 4) as usize;
            let take = (words.len() - skip).min(self.count - done);
            (self.sink)(done, &words[skip..skip + take]);
            done += take;
        }
    }
}

#[inline(always)]
fn stream(key: [u32; 2], first: u64, count: usize, sink: impl FnMut(usize, &[u32])) {
    dispatch(Stream {
        key,
        first,
        count,
        sink,
    });
}

#[cfg(target_endian = "little")]
#[inline(always)]
fn as_words(pairs: &[[u64; 2]; BLOCK]) -> &[u32; 4 * BLOCK] {
    // SAFETY: the same memory; any bits are a u32, and its alignment is less.
    unsafe { &*(pairs as *const [[u64; 2]; BLOCK]).cast() }
}

/// Types whose numbers are made of bits.
pub trait Draw: Float {
    /// Words of 32 bits a number.
    const WORDS: usize;
    /// Uniform on the multiples of `2^-24` (`f64`: `2^-53`) in `[0, 1)`.
    fn uniform(words: &[u32]) -> Self;
    /// Uniform on the odd multiples of `2^-24` (`f64`: `2^-53`) in `(-1, 1)`.
    fn symmetric(words: &[u32]) -> Self;
}

impl Draw for f32 {
    const WORDS: usize = 1;

    #[inline(always)]
    fn uniform(words: &[u32]) -> f32 {
        (words[0] >> 8) as i32 as f32 * (1.0 / 16777216.0)
    }

    #[inline(always)]
    fn symmetric(words: &[u32]) -> f32 {
        let k = (words[0] >> 8) as i32 - (1 << 23);
        (2 * k + 1) as f32 * (1.0 / 16777216.0)
    }
}

impl Draw for f64 {
    const WORDS: usize = 2;

    #[inline(always)]
    fn uniform(words: &[u32]) -> f64 {
        let bits = (words[1] as u64) << 32 | words[0] as u64;
        (bits >> 11) as f64 * (1.0 / 9007199254740992.0)
    }

    #[inline(always)]
    fn symmetric(words: &[u32]) -> f64 {
        let bits = (words[1] as u64) << 32 | words[0] as u64;
        let k = (bits >> 11) as i64 - (1 << 52);
        (2 * k + 1) as f64 * (1.0 / 9007199254740992.0)
    }
}

/// `out[i] = f(words of element first + i)`.
#[inline(always)]
fn fill<T: Draw>(out: &mut [T], key: [u32; 2], first: u64, f: impl Fn(&[u32]) -> T) {
    let count = out.len() * T::WORDS;
    stream(
        key,
        first * T::WORDS as u64,
        count,
        #[inline(always)]
        |done, words| {
            let out = &mut out[done / T::WORDS..];
            for (o, w) in out.iter_mut().zip(words.chunks_exact(T::WORDS)) {
                *o = f(w);
            }
        },
    );
}

/// `out[i]` = the 32 bits of element `first + i`.
pub fn fill_bits(out: &mut [u32], key: [u32; 2], first: u64) {
    stream(
        key,
        first,
        out.len(),
        #[inline(always)]
        |done, words| {
            out[done..done + words.len()].copy_from_slice(words);
        },
    );
}

/// `out[i]` = element `first + i` of a uniform draw from `[0, 1)`.
pub fn fill_uniform<T: Draw>(out: &mut [T], key: [u32; 2], first: u64) {
    fill(
        out,
        key,
        first,
        #[inline(always)]
        |w| T::uniform(w),
    );
}

/// `out[i]` = element `first + i` of a draw from the normal distribution:
/// `sqrt(2) erfinv(2v - 1)`, `v` the middle of the cell of the uniform number.
pub fn fill_normal<T: Draw>(out: &mut [T], key: [u32; 2], first: u64) {
    fill_by_quantile(out, key, first, T::ONE, T::INFINITY);
}

/// `out[i]` = element `first + i` of a draw from the normal distribution within two standard
/// deviations: as [`fill_normal`] with `2v - 1` times `erf(sqrt(2)) = Phi(2) - Phi(-2)`.
pub fn fill_truncated_normal<T: Draw>(out: &mut [T], key: [u32; 2], first: u64) {
    let inside = T::from_f64(0.954_499_736_103_641_6);
    fill_by_quantile(out, key, first, inside, T::from_f64(2.0));
}

/// `sqrt(2) erfinv(inside * symmetric)`, at most `bound` in size.
fn fill_by_quantile<T: Draw>(out: &mut [T], key: [u32; 2], first: u64, inside: T, bound: T) {
    for (at, part) in out.chunks_mut(1024).enumerate() {
        let first = first + 1024 * at as u64;
        fill(
            part,
            key,
            first,
            #[inline(always)]
            |w| T::symmetric(w) * inside,
        );
        dispatch(Quantile { part, bound });
    }
}

struct Quantile<'a, T> {
    part: &'a mut [T],
    bound: T,
}

impl<T: Float> Loop for Quantile<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let scale = T::from_f64(std::f64::consts::SQRT_2);
        for x in self.part {
            let z = x.erfinv() * scale;
            *x = z.min(self.bound).max(-self.bound);
        }
    }
}

/// `out[i] = x[i] / (1 - rate)` where `u >= rate`, else 0, with `u` the `f32` uniform number of
/// element `first + i`, for `f32` and `f64` alike (Srivastava et al., *Dropout*, 2014).
pub fn dropout<T: Float>(x: &[T], out: &mut [T], key: [u32; 2], first: u64, rate: f64) {
    // u = k 2^-24 < rate where k < ceil(rate 2^24).
    let threshold = (rate * 16777216.0).ceil() as i32;
    let scale = T::from_f64(1.0 / (1.0 - rate));
    let count = out.len();
    assert_eq!(x.len(), count);
    stream(
        key,
        first,
        count,
        #[inline(always)]
        |done, words| {
            let end = done + words.len();
            for ((o, x), w) in out[done..end].iter_mut().zip(&x[done..end]).zip(words) {
                let scaled = *x * scale;
                *o = if (*w >> 8) as i32 >= threshold {
                    scaled
                } else {
                    T::ZERO
                };
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::super::isa::{set_isa, Isa};
    use super::*;

    const KEY: [u32; 2] = [0x1234_5678, 42];

    #[test]
    fn the_published_vectors() {
        // Random123's kat_vectors, philox4x32, 10 rounds.
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn the_stream_is_philox_of_the_index() {
        let first = (1u64 << 34) - 7;
        let mut bits = vec![0; 1000];
        fill_bits(&mut bits, KEY, first);
        for (i, b) in bits.iter().enumerate() {
            let word = first + i as u64;
            let at = word / 4;
            let expected = philox([at as u32, (at >> 32) as u32, 0, 0], KEY);
            assert_eq!(*b, expected[(word % 4) as usize], "word {i}");
        }
    }

    fn all<T: Draw>(n: usize, first: u64) -> Vec<T> {
        let mut out = vec![T::ZERO; 4 * n];
        let x: Vec<T> = (0..n).map(|i| T::from_usize(i + 1)).collect();
        let (uniform, rest) = out.split_at_mut(n);
        let (normal, rest) = rest.split_at_mut(n);
        let (truncated, dropped) = rest.split_at_mut(n);
        fill_uniform(uniform, KEY, first);
        fill_normal(normal, KEY, first);
        fill_truncated_normal(truncated, KEY, first);
        dropout(&x, dropped, KEY, first, 0.3);
        out
    }

    fn parts_and_isas<T: Draw>() {
        let n = 1501;
        let whole = all::<T>(n, 0);
        for isa in Isa::ALL.into_iter().filter(|i| i.is_available()) {
            set_isa(isa).unwrap();
            assert_eq!(all::<T>(n, 0), whole, "{isa:?}");
        }
        for first in [1, 2, 3, 4, 255, 256, 1000] {
            let part = all::<T>(300, first as u64);
            for k in 0..3 {
                let expected = &whole[k * n + first..k * n + first + 300];
                assert_eq!(&part[k * 300..(k + 1) * 300], expected, "{k} from {first}");
            }
        }
    }

    #[test]
    fn any_part_has_the_same_bits_under_every_isa() {
        parts_and_isas::<f32>();
        parts_and_isas::<f64>();
    }

    /// Mean, variance, kurtosis.
    fn moments<T: Float>(x: &[T]) -> [f64; 3] {
        let n = x.len() as f64;
        let mean = x.iter().map(|v| v.to_f64()).sum::<f64>() / n;
        let central = |p| x.iter().map(|v| (v.to_f64() - mean).powi(p)).sum::<f64>() / n;
        [mean, central(2), central(4) / central(2).powi(2)]
    }

    fn statistics<T: Draw>() {
        let n = 1 << 20;
        let mut x = vec![T::ZERO; n];
        let mut check = |fill: fn(&mut [T], [u32; 2], u64), expected: [f64; 3]| {
            fill(&mut x, KEY, 0);
            for (got, expected) in moments(&x).iter().zip(expected) {
                assert!((got - expected).abs() < 0.015, "{got}, expected {expected}");
            }
            x.iter().map(|v| v.to_f64().abs()).fold(0.0, f64::max)
        };
        assert!(check(fill_uniform, [0.5, 1.0 / 12.0, 1.8]) < 1.0);
        assert!(check(fill_normal, [0.0, 1.0, 3.0]) > 4.5);
        assert!(check(fill_truncated_normal, [0.0, 0.7737, 2.3655]) <= 2.0);
    }

    #[test]
    fn the_draws_have_the_moments_of_their_distributions() {
        statistics::<f32>();
        statistics::<f64>();
    }

    #[test]
    fn dropout_keeps_the_mean_and_its_edges() {
        let n = 1 << 18;
        let x = vec![1.0f32; n];
        let mut out = vec![0.0f32; n];
        for rate in [0.0, 0.1, 0.5, 0.9] {
            dropout(&x, &mut out, KEY, 0, rate);
            let [mean, ..] = moments(&out);
            assert!((mean - 1.0).abs() < 0.02, "{rate}: {mean}");
            let kept = (1.0 / (1.0 - rate)) as f32;
            assert!(out.iter().all(|v| *v == 0.0 || *v == kept));
        }
        let mut u = vec![0.0f32; n];
        fill_uniform(&mut u, KEY, 0);
        assert!(out.iter().zip(&u).all(|(o, u)| (*o == 0.0) == (*u < 0.9)));
        let mut same = vec![f32::NAN; n];
        dropout(&vec![f32::INFINITY; n], &mut same, KEY, 0, 1.0);
        assert!(same.iter().all(|v| *v == 0.0));
    }
}
