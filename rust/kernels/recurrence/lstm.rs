//! `c' = f c + i g`, `h' = o tanh(c')` with `i, f, o` the sigmoid of the products, `g` their tanh.

use super::lanes::{by_blocks, load, store, Blocks, LANES};
use super::{Cell, Real, Step};
use crate::kernels::float::Float;

/// Hochreiter and Schmidhuber's cell with the forget gate of Gers et al.; gates in the order i, f, g, o.
pub struct Lstm;

impl<T: Real> Cell<T> for Lstm {
    const GATES: usize = 4;
    const ADDS: bool = true;

    #[inline(always)]
    fn step(&self, _x: &[T], pre: &[T], h: &mut [T], c: &mut [T]) {
        by_blocks(h.len(), Forward { pre, h, c });
    }

    #[inline(always)]
    fn back(&self, at: Step<'_, T>, pre: &mut [T], dh: &mut [T], dc: &mut [T], _dx: &mut [T]) {
        let [before, after] = at.c;
        by_blocks(
            dh.len(),
            Backward {
                before,
                after,
                pre,
                dh,
                dc,
            },
        );
    }
}

struct Forward<'a, T> {
    pre: &'a [T],
    h: &'a mut [T],
    c: &'a mut [T],
}

impl<T: Real> Blocks for Forward<'_, T> {
    #[inline(always)]
    fn block(&mut self, at: usize, n: usize) {
        let units = self.h.len();
        let gate = |number: usize| load(self.pre, number * units + at, n);
        let [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)];
        let mut c = load(self.c, at, n);
        let mut h = c;
        for k in 0..LANES {
            let kept = Float::sigmoid(f[k]) * c[k];
            c[k] = Float::sigmoid(i[k]).mul_add(Float::tanh(g[k]), kept);
            h[k] = Float::sigmoid(o[k]) * Float::tanh(c[k]);
        }
        store(&c, self.c, at, n);
        store(&h, self.h, at, n);
    }
}

struct Backward<'a, T> {
    before: &'a [T],
    after: &'a [T],
    pre: &'a mut [T],
    dh: &'a mut [T],
    dc: &'a mut [T],
}

impl<T: Real> Blocks for Backward<'_, T> {
    #[inline(always)]
    fn block(&mut self, at: usize, n: usize) {
        let units = self.dh.len();
        let gate = |number: usize| load(self.pre, number * units + at, n);
        let [mut i, mut f, mut g, mut o] = [gate(0), gate(1), gate(2), gate(3)];
        let (before, after) = (load(self.before, at, n), load(self.after, at, n));
        let (dh, mut dc) = (load(self.dh, at, n), load(self.dc, at, n));
        let one = <T as Float>::ONE;
        for k in 0..LANES {
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
        }
        for (number, lanes) in [i, f, g, o].iter().enumerate() {
            store(lanes, self.pre, number * units + at, n);
        }
        store(&dc, self.dc, at, n);
        self.dh[at..at + n].fill(<T as Float>::ZERO);
    }
}
