//! The eigenvalues (..., n), ascending, and eigenvectors (..., n, n), the columns of V, of symmetric matrices
//! x (..., n, n), of which the lower triangle is read. The largest element of each vector is positive.
//!
//! With `F_ij = 1 / (w_j - w_i)`, 0 where they are equal: `S = V (diag(dw) + F * V^T dV) V^T`, and dx is
//! `S + S^T` with its diagonal halved, below the diagonal and on it. NaN and infinities are a `DataError`.
//! (Giles, "An extended collection of matrix derivative results", 2008.)

use super::build::Build;
use super::check;
use super::matrices::{beside, count, expect_all, nth, square, Matrices};
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::linalg::{each, narrowed, symmetric, transposed, widened};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eigh {}

/// `x_ij / (values_j - values_i)`, 0 where they are equal.
pub fn by_differences(g: &mut Graph, values: Value, x: Value) -> Result<Value> {
    let (rows, columns) = (g.as_rows(values)?, g.as_columns(values)?);
    let differences = g.sub(rows, columns)?;
    let inverse = g.inverse_or_zero(differences)?;
    g.mul(inverse, x)
}

impl Op for Eigh {
    fn name(&self) -> &'static str {
        "eigh"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let n = square(self.name(), "x", x)?;
        Ok(vec![beside(x, &[n]), x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (x, w, v) = (b.inputs[0], b.outputs[0], b.outputs[1]);
        let (dw, dv) = (b.douts[0], b.douts[1]);
        let g = &mut *b.graph;
        let n = square(self.name(), "x", g.spec(x))?;
        let by_vectors = match dv {
            Some(dv) => {
                let turned = g.product((v, true), (dv, false))?;
                Some(by_differences(g, w, turned)?)
            }
            None => None,
        };
        let by_values = match dw {
            Some(dw) => {
                let (one, dw) = (g.identity(x, n)?, g.as_rows(dw)?);
                Some(g.mul(one, dw)?)
            }
            None => None,
        };
        let inner = match (by_values, by_vectors) {
            (Some(a), Some(b)) => g.add(a, b)?,
            (Some(inner), None) | (None, Some(inner)) => inner,
            (None, None) => return Ok(vec![None]),
        };
        let left = g.product((v, false), (inner, false))?;
        let whole = g.product((left, false), (v, true))?;
        Ok(vec![Some(g.folded(whole)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total) = (self.name(), count(inputs[0]));
        let n = inputs[0].dims()[inputs[0].rank() - 1];
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let (w, v) = io.outputs.split_at_mut(1);
            let w = w[0].slice::<T>().chunks_exact_mut(n);
            let v = v[0].slice::<T>().chunks_exact_mut(n * n);
            let tasks = w.zip(v).take(total).enumerate().collect();
            let bad = each(tasks, 4 * n * n * n, |(at, (w, v)): (usize, (&mut [T], &mut [T]))| {
                let mut a = widened(nth(x, at, n * n));
                for i in 0..n {
                    (0..i).for_each(|j| a[j * n + i] = a[i * n + j]);
                }
                if !a.iter().all(|v| v.is_finite()) {
                    return false;
                }
                let Some((values, vectors)) = symmetric::eigen(a, n) else {
                    return false;
                };
                narrowed(&values, w);
                narrowed(&transposed(&vectors, n), v);
                true
            });
            expect_all(name, "matrices of finite numbers", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
