//! The cofactors of x (..., n, n): `C_ij` is the derivative of det(x) by `x_ij`, `det(x) x^-T` where x is
//! not singular; made of singular values where it nearly is.
//!
//! `dx = (<dC, C> C - C dC^T C) / det(x)`, so the second derivative of a determinant is not there for a
//! singular x: infinite or NaN. (Stewart, "On the adjugate matrix", 1998.)

use super::build::Build;
use super::check;
use super::determinant::Determinant;
use super::matrices::{count, expect_all, nth, square, Matrices};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::linalg::{each, factors, narrowed, widened};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cofactors {}

impl Op for Cofactors {
    fn name(&self) -> &'static str {
        "cofactors"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        square(self.name(), "x", x)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (dc, c, x) = (b.dout(self.name())?, b.outputs[0], b.inputs[0]);
        let g = &mut *b.graph;
        let whole = g.push(Determinant { log: false }, &[x])?;
        let whole = g.as_columns(whole)?;
        let whole = g.as_columns(whole)?;
        let along = g.mul(dc, c)?;
        let along = g.total(along)?;
        let first = g.mul(along, c)?;
        let second = g.product((c, false), (dc, true))?;
        let second = g.product((second, false), (c, false))?;
        let sum = g.sub(first, second)?;
        Ok(vec![Some(g.div(sum, whole)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total) = (self.name(), count(inputs[0]));
        let n = inputs[0].dims()[inputs[0].rank() - 1];
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let out = io.outputs[0].slice::<T>().chunks_exact_mut(n * n);
            let tasks = (0..total).zip(out).collect();
            let bad = each(tasks, n * n * n, |(at, out): (usize, &mut [T])| {
                let found = factors::cofactors(&widened(nth(x, at, n * n)), n);
                found.iter().for_each(|found| narrowed(found, out));
                found.is_some()
            });
            expect_all(name, "matrices of finite numbers", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
