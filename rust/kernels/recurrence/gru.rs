//! `h' = z h + (1 - z) tanh(x_n + r p_n)` with `z` and `r` the sigmoid of `x + p`, p the products.

use super::lanes::{by_blocks, load, store, Blocks};
use super::{Cell, Number, Step};
use crate::kernels::float::Float;

/// Cho et al.'s cell with the reset gate after the product; gates in the order z, r, n.
pub struct Gru;

impl<T: Number> Cell<T> for Gru {
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
fn gates<T: Number>(x: [T; 3], p: [T; 3]) -> [T; 3] {
    let z = Float::sigmoid(x[0] + p[0]);
    let r = Float::sigmoid(x[1] + p[1]);
    [z, r, Float::tanh(Float::mul_add(r, p[2], x[2]))]
}

struct Forward<'a, T> {
    x: &'a [T],
    pre: &'a [T],
    h: &'a mut [T],
}

impl<T: Number> Blocks for Forward<'_, T> {
    #[inline(always)]
    fn block(&mut self, at: usize, n: usize) {
        let units = self.h.len();
        let x = [0, 1, 2].map(|gate| load(self.x, gate * units + at, n));
        let p = [0, 1, 2].map(|gate| load(self.pre, gate * units + at, n));
        let mut h = load(self.h, at, n);
        for k in 0..h.len() {
            let [z, _, new] = gates([x[0][k], x[1][k], x[2][k]], [p[0][k], p[1][k], p[2][k]]);
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

impl<T: Number> Blocks for Backward<'_, T> {
    #[inline(always)]
    fn block(&mut self, at: usize, n: usize) {
        let units = self.dh.len();
        let mut x = [0, 1, 2].map(|gate| load(self.x, gate * units + at, n));
        let mut p = [0, 1, 2].map(|gate| load(self.pre, gate * units + at, n));
        let (h, mut dh) = (load(self.h, at, n), load(self.dh, at, n));
        let one = <T as Float>::ONE;
        for k in 0..h.len() {
            let [z, r, new] = gates([x[0][k], x[1][k], x[2][k]], [p[0][k], p[1][k], p[2][k]]);
            let by_new = dh[k] * (one - z) * (one - new * new);
            x[0][k] = dh[k] * (h[k] - new) * z * (one - z);
            x[1][k] = by_new * p[2][k] * r * (one - r);
            x[2][k] = by_new;
            p[2][k] = by_new * r;
            dh[k] *= z;
        }
        (p[0], p[1]) = (x[0], x[1]);
        for gate in 0..3 {
            store(&x[gate], self.dx, gate * units + at, n);
            store(&p[gate], self.pre, gate * units + at, n);
        }
        store(&dh, self.dh, at, n);
    }
}
