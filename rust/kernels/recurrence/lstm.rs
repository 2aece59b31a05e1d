//! `c' = f c + i g`, `h' = o tanh(c')` with `i, f, g, o` the sigmoid of the products, `g` their tanh.

use super::{Cell, Number, Step};
use crate::kernels::float::Float;

/// Hochreiter and Schmidhuber's cell with the forget gate of Gers et al.; gates in the order i, f, g, o.
pub struct Lstm;

impl<T: Number> Cell<T> for Lstm {
    const GATES: usize = 4;
    const ADDS: bool = true;

    #[inline(always)]
    fn step(&self, _x: &[T], pre: &[T], h: &mut [T], c: &mut [T]) {
        let n = h.len();
        let c = &mut c[..n];
        let (i, f, g, o) = (
            &pre[..n],
            &pre[n..2 * n],
            &pre[2 * n..3 * n],
            &pre[3 * n..4 * n],
        );
        for k in 0..n {
            let kept = Float::sigmoid(f[k]) * c[k];
            c[k] = Float::sigmoid(i[k]).mul_add(Float::tanh(g[k]), kept);
            h[k] = Float::sigmoid(o[k]) * Float::tanh(c[k]);
        }
    }

    #[inline(always)]
    fn back(&self, at: Step<'_, T>, pre: &mut [T], dh: &mut [T], dc: &mut [T], _dx: &mut [T]) {
        let n = dh.len();
        let (before, after, dc) = (&at.c[0][..n], &at.c[1][..n], &mut dc[..n]);
        let (i, rest) = pre.split_at_mut(n);
        let (f, rest) = rest.split_at_mut(n);
        let (g, o) = rest.split_at_mut(n);
        let o = &mut o[..n];
        let one = <T as Float>::ONE;
        for k in 0..n {
            let (si, sf, so) = (
                Float::sigmoid(i[k]),
                Float::sigmoid(f[k]),
                Float::sigmoid(o[k]),
            );
            let (tg, tc) = (Float::tanh(g[k]), Float::tanh(after[k]));
            let by_c = (dh[k] * so).mul_add(one - tc * tc, dc[k]);
            i[k] = by_c * tg * si * (one - si);
            f[k] = by_c * before[k] * sf * (one - sf);
            g[k] = by_c * si * (one - tg * tg);
            o[k] = dh[k] * tc * so * (one - so);
            dc[k] = by_c * sf;
            dh[k] = <T as Float>::ZERO;
        }
    }
}
