//! `h' = z h + (1 - z) tanh(x_h + r p_h)` with `z` and `r` the sigmoid of `x + p`, p the products.

use super::{Cell, Number, Step};
use crate::kernels::float::Float;

/// Cho et al.'s cell with the reset gate after the product; gates in the order z, r, h.
pub struct Gru;

impl Gru {
    /// z, r and the candidate.
    #[inline(always)]
    fn gates<T: Number>(x: [T; 3], pre: [T; 3]) -> [T; 3] {
        let z = Float::sigmoid(x[0] + pre[0]);
        let r = Float::sigmoid(x[1] + pre[1]);
        [z, r, Float::tanh(Float::mul_add(r, pre[2], x[2]))]
    }
}

impl<T: Number> Cell<T> for Gru {
    const GATES: usize = 3;
    const ADDS: bool = false;

    #[inline(always)]
    fn step(&self, x: &[T], pre: &[T], h: &mut [T], _c: &mut [T]) {
        let n = h.len();
        let (xz, xr, xh) = (&x[..n], &x[n..2 * n], &x[2 * n..3 * n]);
        let (pz, pr, ph) = (&pre[..n], &pre[n..2 * n], &pre[2 * n..3 * n]);
        for k in 0..n {
            let [z, _, new] = Gru::gates([xz[k], xr[k], xh[k]], [pz[k], pr[k], ph[k]]);
            h[k] = z.mul_add(h[k] - new, new);
        }
    }

    #[inline(always)]
    fn back(&self, at: Step<'_, T>, pre: &mut [T], dh: &mut [T], _dc: &mut [T], dx: &mut [T]) {
        let n = dh.len();
        let (xz, xr, xh) = (&at.x[..n], &at.x[n..2 * n], &at.x[2 * n..3 * n]);
        let h = &at.h[..n];
        let (pz, rest) = pre.split_at_mut(n);
        let (pr, ph) = rest.split_at_mut(n);
        let ph = &mut ph[..n];
        let (dz, rest) = dx.split_at_mut(n);
        let (dr, dn) = rest.split_at_mut(n);
        let dn = &mut dn[..n];
        let one = <T as Float>::ONE;
        for k in 0..n {
            let [z, r, new] = Gru::gates([xz[k], xr[k], xh[k]], [pz[k], pr[k], ph[k]]);
            let by_new = dh[k] * (one - z) * (one - new * new);
            dz[k] = dh[k] * (h[k] - new) * z * (one - z);
            dr[k] = by_new * ph[k] * r * (one - r);
            dn[k] = by_new;
            pz[k] = dz[k];
            pr[k] = dr[k];
            ph[k] = by_new * r;
            dh[k] *= z;
        }
    }
}
