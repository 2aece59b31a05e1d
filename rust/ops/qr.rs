//! `x = Q R` of x (..., m, n), the columns of Q orthonormal and R upper triangular, with LAPACK's signs: Q
//! (..., m, k) and R (..., k, n) with k = min(m, n), or k = m if `complete`.
//!
//! m >= n: `dx = (dQ + Q c(M)) R^-T`, `M = R dR^T - dQ^T Q`, and c copies what is below the diagonal above
//! it. m < n, `x = [X Y]`, `R = [U V]`: dX is that with `dQ + Y dV^T`, and `dY = Q dV`. The columns that
//! `complete` adds are any orthonormal ones, and have no gradient. (Walter & Lehmann, "Algorithmic
//! differentiation of linear algebra functions", 2010; Roberts & Roberts, "QR and LQ decomposition matrix
//! backpropagation algorithms", 2020.)

use super::build::Build;
use super::check;
use super::concat::Concat;
use super::matrices::{beside, count, least, nth, sides, Matrices, Part};
use super::solve_triangular::SolveTriangular;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::linalg::householder::Reflections;
use crate::kernels::linalg::{each, narrowed, transposed, widened};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qr {
    complete: bool,
}

/// dx of `x = Q R` with a square R.
fn of_square(g: &mut Graph, q: Value, r: Value, dq: Value, dr: Value) -> Result<Value> {
    let dr = g.part(dr, Part::Upper)?;
    let (first, second) = (
        g.product((r, false), (dr, true))?,
        g.product((dq, true), (q, false))?,
    );
    let inner = g.sub(first, second)?;
    let lower = g.part(inner, Part::Lower)?;
    let below = g.part(inner, Part::BelowDiagonal)?;
    let above = g.swapped(below)?;
    let copied = g.add(lower, above)?;
    let copied = g.product((q, false), (copied, false))?;
    let sum = g.add(dq, copied)?;
    let sum = g.swapped(sum)?;
    let op = SolveTriangular {
        lower: false,
        transpose: false,
        unit: false,
    };
    let turned = g.push(op, &[r, sum])?;
    g.swapped(turned)
}

impl Op for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let (m, n) = sides(self.name(), "x", x)?;
        let k = if self.complete { m } else { least(m, n) };
        Ok(vec![beside(x, &[m, k]), beside(x, &[k, n])])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (x, q, r) = (b.inputs[0], b.outputs[0], b.outputs[1]);
        let (dq, dr) = (b.douts[0], b.douts[1]);
        let g = &mut *b.graph;
        let (m, n) = sides(self.name(), "x", g.spec(x))?;
        if self.complete && n.surely_below(m) && dq.is_some() {
            let wanted = "Q of the reduced form, whose columns the matrix determines";
            return Err(Error::gradient(self.name(), wanted, "a complete Q"));
        }
        let dq = match dq {
            Some(dq) => dq,
            None => g.zeros_like(q)?,
        };
        let dr = match dr {
            Some(dr) => dr,
            None => g.zeros_like(r)?,
        };
        let zero = Size::ZERO;
        if m.surely_below(n) {
            let (u, du) = (g.cut(r, 1, zero, m)?, g.cut(dr, 1, zero, m)?);
            let (y, dv) = (g.cut(x, 1, m, n)?, g.cut(dr, 1, m, n)?);
            let more = g.product((y, false), (dv, true))?;
            let dq = g.add(dq, more)?;
            let left = of_square(g, q, u, dq, du)?;
            let right = g.product((q, false), (dv, false))?;
            let axis = g.spec(x).rank() - 1;
            return Ok(vec![Some(g.push(Concat { axis }, &[left, right])?)]);
        }
        let (q, dq) = (g.cut(q, 1, zero, n)?, g.cut(dq, 1, zero, n)?);
        let (r, dr) = (g.cut(r, 2, zero, n)?, g.cut(dr, 2, zero, n)?);
        Ok(vec![Some(of_square(g, q, r, dq, dr)?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let total = count(inputs[0]);
        let dims = inputs[0].dims();
        let (m, n) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        let k = outputs[0].dims()[dims.len() - 1];
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let (q, r) = io.outputs.split_at_mut(1);
            let mut q = q[0].slice::<T>().chunks_mut((m * k).max(1));
            let mut r = r[0].slice::<T>().chunks_mut((k * n).max(1));
            let tasks = (0..total).map(|at| (at, q.next(), r.next())).collect();
            each(tasks, m * k * (n + k), |(at, q, r): (usize, Option<&mut [T]>, Option<&mut [T]>)| {
                let found = Reflections::of(transposed(&widened(nth(x, at, m * n)), n), m);
                if let Some(q) = q {
                    narrowed(&transposed(&found.q(k), m), q);
                }
                if let Some(r) = r {
                    narrowed(&found.r(k), r);
                }
                true
            });
            Ok(())
        })
        .into()))
    }
}
