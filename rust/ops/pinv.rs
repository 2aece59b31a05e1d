//! The Moore-Penrose inverse P (..., n, m) of x (..., m, n): singular values up to `rcond` times the largest
//! count as 0.
//!
//! With P for `P(x)`, where the rank stays the same: `dx = -P^T dP P^T + (1 - x P) dP^T P P^T + P^T P dP^T
//! (1 - P x)`. NaN and infinities are a `DataError`. (Golub & Pereyra, "The differentiation of
//! pseudo-inverses and nonlinear least squares problems whose variables separate", 1973.)

use super::build::Build;
use super::check;
use super::matrices::{beside, count, expect_all, nth, sides, Matrices};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::linalg::singular::Singular;
use crate::kernels::linalg::{add_scaled, each, narrowed, widened};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinv {
    rcond: f64,
}

/// The inverse (n, m) of a matrix (m, n) of finite numbers; none where singular values are not found.
fn inverse(a: &[f64], m: usize, n: usize, rcond: f64) -> Option<Vec<f64>> {
    let found = Singular::of(a, m, n, false)?;
    let least = rcond * found.values.first().copied().unwrap_or(0.0);
    let mut out = room(0.0, n * m);
    for (k, &value) in found.values.iter().enumerate() {
        if value <= least || value == 0.0 {
            continue;
        }
        for (row, v) in out.chunks_exact_mut(m).zip(nth(&found.v, k, n)) {
            add_scaled(row, v / value, nth(&found.u, k, m));
        }
    }
    Some(out)
}

impl Op for Pinv {
    fn name(&self) -> &'static str {
        "pinv"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        if self.rcond.is_nan() || self.rcond < 0.0 {
            let got = self.rcond.to_string();
            return Err(Error::attribute(self.name(), "rcond of 0 or more", got));
        }
        let (m, n) = sides(self.name(), "x", x)?;
        Ok(vec![beside(x, &[n, m])])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (dp, p, x) = (b.dout(self.name())?, b.outputs[0], b.inputs[0]);
        let g = &mut *b.graph;
        // Chains of products from the left, of which every one but the first is of one size.
        let turned = g.product((p, true), (dp, false))?;
        let first = g.product((turned, false), (p, true))?;
        let right = g.product((dp, true), (p, false))?;
        let right = g.product((right, false), (p, true))?;
        let inside = g.product((p, false), (right, false))?;
        let inside = g.product((x, false), (inside, false))?;
        let second = g.sub(right, inside)?;
        let left = g.product((p, false), (dp, true))?;
        let left = g.product((p, true), (left, false))?;
        let inside = g.product((left, false), (p, false))?;
        let inside = g.product((inside, false), (x, false))?;
        let third = g.sub(left, inside)?;
        let both = g.add(second, third)?;
        Ok(vec![Some(g.sub(both, first)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total, rcond) = (self.name(), count(inputs[0]), self.rcond);
        let dims = inputs[0].dims();
        let (m, n) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let out = io.outputs[0].slice::<T>().chunks_exact_mut(m * n);
            let tasks = (0..total).zip(out).collect();
            let bad = each(tasks, 4 * m * n * m.min(n), |(at, out): (usize, &mut [T])| {
                let a = widened(nth(x, at, m * n));
                let found = match a.iter().all(|v| v.is_finite()) {
                    true => inverse(&a, m, n, rcond),
                    false => None,
                };
                found.iter().for_each(|found| narrowed(found, out));
                found.is_some()
            });
            expect_all(name, "matrices of finite numbers", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
