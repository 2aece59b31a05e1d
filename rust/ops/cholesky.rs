//! The lower triangular `L` with `x = L L^T`, of symmetric positive definite x (..., n, n), of which the
//! lower triangle is read.
//!
//! `dx` is `S + S^T` with its diagonal halved, below the diagonal and on it, where
//! `S = L^-T f(L^T dL) L^-1` and f halves the diagonal of the lower triangle. A matrix that is not positive
//! definite is a `DataError`. (Murray, "Differentiation of the Cholesky decomposition", 2016.)

use super::build::Build;
use super::check;
use super::matrices::{count, expect_all, nth, square, Matrices, Part};
use super::solve_triangular::SolveTriangular;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::linalg::{each, factors, narrowed, widened};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cholesky {}

impl Op for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        square(self.name(), "x", x)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (dl, l) = (b.dout(self.name())?, b.outputs[0]);
        let g = &mut *b.graph;
        let dl = g.part(dl, Part::Lower)?;
        let inner = g.product((l, true), (dl, false))?;
        let whole = g.part(inner, Part::Lower)?;
        let below = g.part(inner, Part::BelowDiagonal)?;
        let halved = g.add(whole, below)?;
        let halved = g.scale(halved, 0.5)?;
        let turn = SolveTriangular {
            lower: true,
            transpose: true,
            unit: false,
        };
        let left = g.push(turn.clone(), &[l, halved])?;
        let left = g.swapped(left)?;
        let both = g.push(turn, &[l, left])?;
        Ok(vec![Some(g.folded(both)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total) = (self.name(), count(inputs[0]));
        let n = inputs[0].dims()[inputs[0].rank() - 1];
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let out = io.outputs[0].slice::<T>().chunks_exact_mut(n * n);
            let tasks = (0..total).zip(out).collect();
            let bad = each(tasks, n * n * n / 3, |(at, out): (usize, &mut [T])| {
                let mut a = widened(nth(x, at, n * n));
                let is_positive = factors::cholesky(&mut a, n);
                narrowed(&a, out);
                is_positive
            });
            expect_all(name, "symmetric positive definite matrices", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
