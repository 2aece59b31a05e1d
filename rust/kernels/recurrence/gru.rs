//! `h' = z h + (1 - z) tanh(x_n + r p_n)` with `z` and `r` the sigmoid of `x + p`, p the products.

use super::lanes::{by_blocks, load, store, Blocks, LANES};
use super::{Cell, Real, Step};
use crate::kernels::float::Float;

/// Cho et al.'s cell with the reset gate after the product; gates in the order z, r, n.
pub struct Gru;

impl<T: Real> Cell<T> for Gru {
    const GATES: usize = 3;
    const ADDS: bool = false;

    #[inline(always)]
    fn step(&self, x: &[T], pre: &[T], h: &mut [T], _c: &mut [T]) {
        by_blocks(h.len(), Forward { x, pre, h });
    }

    #[inline(always)]
    fn back(&self, at: Step<'_, T>, pre: &mut [T], dh: &mut [T], _dc: &mut [T], dx: &mut [T]) {
        let Step { x, h, .. } = at;
        by_blocks(dh.len(), Backward { x, h, pre, dh, dx });
    }
}

/// z, r and the candidate n.
#[inline(always)]
fn gates<T: Real>(x: [T; 3], p: [T; 3]) -> [T; 3] {
    let z = Float::sigmoid(x[0] + p[0]);
    let r = Float::sigmoid(x[1] + p[1]);
    [z, r, Float::tanh(Float::mul_add(r, p[2], x[2]))]
}

struct Forward<'a, T> {
    x: &'a [T],
    pre: &'a [T],
    h: &'a mut [T],
}

impl<T: Real> Blocks for Forward<'_, T> {
    #[inline(always)]
    fn block(&mut self, at: usize, n: usize) {
        let units = self.h.len();
        let part = |x: &[T], gate: usize| load(x, gate * units + at, n);
        let (xz, xr, xn) = (part(self.x, 0), part(self.x, 1), part(self.x, 2));
        let (pz, pr, pn) = (part(self.pre, 0), part(self.pre, 1), part(self.pre, 2));
        let mut h = load(self.h, at, n);
        for k in 0..LANES {
            let [z, _, new] = gates([xz[k], xr[k], xn[k]], [pz[k], pr[k], pn[k]]);
            h[k] = z.mul_add(h[k] - new, new);
        }
        store(&h, self.h, at, n);
    }
}

struct Backward<'a, T> {
    x: &'a [T],
    h: &'a [T],
    pre: &'a mut [T],
    dh: &'a mut [T],
    dx: &'a mut [T],
}

impl<T: Real> Blocks for Backward<'_, T> {
    #[inline(always)]
    fn block(&mut self, at: usize, n: usize) {
        let units = self.dh.len();
        let part = |x: &[T], gate: usize| load(x, gate * units + at, n);
        let (xz, xr, xn) = (part(self.x, 0), part(self.x, 1), part(self.x, 2));
        let (pz, pr, mut pn) = (part(self.pre, 0), part(self.pre, 1), part(self.pre, 2));
        let (h, mut dh) = (load(self.h, at, n), load(self.dh, at, n));
        let (mut dz, mut dr, mut dn) = (dh, dh, dh);
        let one = <T as Float>::ONE;
        for k in 0..LANES {
            let [z, r, new] = gates([xz[k], xr[k], xn[k]], [pz[k], pr[k], pn[k]]);
            let by_new = dh[k] * (one - z) * (one - new * new);
            dz[k] = dh[k] * (h[k] - new) * z * (one - z);
            dr[k] = by_new * pn[k] * r * (one - r);
            dn[k] = by_new;
            pn[k] = by_new * r;
            dh[k] *= z;
        }
        for (gate, [by_x, by_p]) in [[&dz, &dz], [&dr, &dr], [&dn, &pn]].iter().enumerate() {
            store(by_x, self.dx, gate * units + at, n);
            store(by_p, self.pre, gate * units + at, n);
        }
        store(&dh, self.dh, at, n);
    }
}
