//! `h' = f(products)`.

use super::{Cell, Real, Step};
use crate::kernels::epilogue::Activation;
use crate::kernels::float::Float;

/// Elman's cell.
pub struct Simple(pub Activation);

impl Simple {
    #[inline(always)]
    fn apply<T: Real>(&self, x: T) -> T {
        match self.0 {
            Activation::Linear => x,
            Activation::Relu => Float::max(x, <T as Float>::ZERO),
            Activation::Sigmoid => Float::sigmoid(x),
            Activation::Tanh => Float::tanh(x),
        }
    }

    /// `f'(x)`, from `y = f(x)`.
    #[inline(always)]
    fn slope<T: Real>(&self, y: T) -> T {
        let one = <T as Float>::ONE;
        match self.0 {
            Activation::Linear => one,
            Activation::Relu if y > <T as Float>::ZERO => one,
            Activation::Relu => <T as Float>::ZERO,
            Activation::Sigmoid => y * (one - y),
            Activation::Tanh => one - y * y,
        }
    }
}

impl<T: Real> Cell<T> for Simple {
    const GATES: usize = 1;
    const ADDS: bool = true;

    #[inline(always)]
    fn step(&self, _x: &[T], pre: &[T], h: &mut [T], _c: &mut [T]) {
        h.iter_mut().zip(pre).for_each(|(h, p)| *h = self.apply(*p));
    }

    #[inline(always)]
    fn back(&self, _at: Step<'_, T>, pre: &mut [T], dh: &mut [T], _dc: &mut [T], _dx: &mut [T]) {
        for (p, d) in pre.iter_mut().zip(dh) {
            *p = *d * self.slope(self.apply(*p));
            *d = <T as Float>::ZERO;
        }
    }
}
