//! The loops over rows of scores.

use super::{Element, Geometry, Operands, Place};
use crate::kernels::float::Float;
use crate::kernels::isa::Loop;
use crate::kernels::softmax::{add_up, shift};

/// `exp(score - largest)` over the products of queries and keys, in their place.
pub struct Exponentials<'a, 'b, T> {
    pub geometry: &'a Geometry,
    pub operands: &'a Operands<'b, T>,
    pub at: &'a Place,
    /// (rows, keys)
    pub scores: &'a mut [T],
    pub keys: usize,
    pub inverse: &'a mut [T],
    pub whole: &'a mut [bool],
}

impl<T: Element> Exponentials<'_, '_, T> {
    /// Where the mask or the bias of a query's scores begins.
    #[inline(always)]
    fn offset(&self, strides: &[usize; 4], row: usize) -> usize {
        self.at.batch * strides[0] + self.at.head * strides[1] + row * strides[2]
    }
}

impl<T: Element> Loop for Exponentials<'_, '_, T> {
    type Out = ();
    #[inline(always)]
    fn run(mut self) {
        let (g, x, n) = (self.geometry, self.operands, self.keys);
        let masked = <T as Float>::from_f64(-0.7 * Float::to_f64(<T as Float>::MAX));
        let scale = <T as Float>::from_f64(g.scale);
        let scores = std::mem::take(&mut self.scores);
        for (i, scores) in scores.chunks_exact_mut(n).enumerate() {
            let row = self.at.rows.start + i;
            match &g.bias {
                None => {
                    for s in scores.iter_mut() {
                        *s *= scale;
                    }
                }
                Some(strides) => {
                    let bias = &x.bias[self.offset(strides, row)..];
                    if strides[3] == 0 {
                        for s in scores.iter_mut() {
                            *s = Float::mul_add(*s, scale, bias[0]);
                        }
                    } else {
                        for (s, bias) in scores.iter_mut().zip(bias) {
                            *s = Float::mul_add(*s, scale, *bias);
                        }
                    }
                }
            }
            if let Some(strides) = &g.mask {
                let mask = &x.mask[self.offset(strides, row)..];
                if strides[3] != 0 {
                    for (s, mask) in scores.iter_mut().zip(mask) {
                        *s = if *mask != 0 { *s } else { masked };
                    }
                } else if mask[0] == 0 {
                    scores.fill(masked);
                }
            }
            if g.causal && row + 1 < n {
                scores[row + 1..].fill(masked);
            }
            let top = shift(scores);
            self.whole[i] = top == masked;
            if self.whole[i] && g.zero_masked {
                scores.fill(<T as Float>::ZERO);
                self.inverse[i] = <T as Float>::ONE;
                continue;
            }
            // Keys after the query's place, in whole vectors, weigh nothing.
            let seen = match g.causal && !self.whole[i] {
                true => n.min((row + 1).next_multiple_of(LANES)),
                false => n,
            };
            let (scores_seen, after) = scores.split_at_mut(seen);
            for s in scores_seen {
                *s = Float::exp(*s - top);
            }
            after.fill(<T as Float>::ZERO);
            self.inverse[i] = Float::reciprocal(add_up(scores));
        }
    }
}

/// `x *= kept`, rows of `keys` of the one, of `all` of the other.
pub struct Thinned<'a, T> {
    pub x: &'a mut [T],
    pub kept: &'a [T],
    pub keys: usize,
    pub all: usize,
}

impl<T: Element> Loop for Thinned<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let rows = self.x.chunks_exact_mut(self.keys);
        for (x, kept) in rows.zip(self.kept.chunks_exact(self.all)) {
            for (x, kept) in x.iter_mut().zip(kept) {
                *x *= *kept;
            }
        }
    }
}

/// `to = factor x`
pub struct Scaled<'a, T> {
    pub x: &'a [T],
    pub factor: T,
    pub to: &'a mut [T],
}

impl<T: Element> Loop for Scaled<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (to, x) in self.to.iter_mut().zip(self.x) {
            *to = *x * self.factor;
        }
    }
}

/// `x *= factor` of each row.
pub struct Normalised<'a, T> {
    pub x: &'a mut [T],
    pub keys: usize,
    pub factors: &'a [T],
}

impl<T: Element> Loop for Normalised<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (x, factor) in self.x.chunks_exact_mut(self.keys).zip(self.factors) {
            for x in x.iter_mut() {
                *x *= *factor;
            }
        }
    }
}

/// `d = p (d - sum(p d))` of each row, 0 in rows that are masked whole: the gradient by the scores from
/// that by the weights `p`.
pub struct ByScores<'a, T> {
    pub d: &'a mut [T],
    pub p: &'a [T],
    pub keys: usize,
    pub whole: &'a [bool],
}

impl<T: Element> Loop for ByScores<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let rows = self.d.chunks_exact_mut(self.keys);
        for ((d, p), whole) in rows.zip(self.p.chunks_exact(self.keys)).zip(self.whole) {
            if *whole {
                d.fill(<T as Float>::ZERO);
                continue;
            }
            let sum = dot(p, d);
            for (d, p) in d.iter_mut().zip(p) {
                *d = *p * (*d - sum);
            }
        }
    }
}

const LANES: usize = super::LANES;

/// `sum(a b)` in lanes, the lanes as a tree, the rest in order.
#[inline(always)]
fn dot<T: Element>(a: &[T], b: &[T]) -> T {
    let mut lanes = [<T as Float>::ZERO; LANES];
    let whole = a.len() / LANES * LANES;
    let blocks = a[..whole].chunks_exact(LANES);
    for (a, b) in blocks.zip(b[..whole].chunks_exact(LANES)) {
        for l in 0..LANES {
            lanes[l] = Float::mul_add(a[l], b[l], lanes[l]);
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] += lanes[l + width];
        }
        width /= 2;
    }
    let rest = a[whole..].iter().zip(&b[whole..]);
    rest.fold(lanes[0], |sum, (a, b)| Float::mul_add(*a, *b, sum))
}
