//! `x = U diag(s) V^T` of x (..., m, n), k = min(m, n): U (..., m, k), s (..., k), descending, V^T (..., k, n)
//! or, if `full`, U (..., m, m) and V^T (..., n, n). The largest element of each column of U is positive.
//!
//! With `F_ij = 1 / (s_j^2 - s_i^2)`, 0 where they are equal, `A = F * U^T dU`, `B = F * V^T dV`:
//! `dx = U ((A + A^T) S + diag(ds) + S (B + B^T)) V^T + (1 - U U^T) dU S^-1 V^T + U S^-1 dV^T (1 - V V^T)`.
//! The columns that `full` adds are any orthonormal ones, and have no gradient. NaN and infinities are a
//! `DataError`. (Townsend, "Differentiating the singular value decomposition", 2016.)

use super::build::Build;
use super::check;
use super::matrices::{beside, count, expect_all, least, nth, sides, Matrices};
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::linalg::singular::Singular;
use crate::kernels::linalg::{each, narrowed, transposed, widened};
use crate::kernels::map;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Svd {
    full: bool,
}

/// `X + X^T` with `X = F * x`, x (..., k, k): F has the inverse of `values_j - values_i`, 0 where they are
/// equal.
fn between(g: &mut Graph, values: Value, x: Value) -> Result<Value> {
    let inner = super::eigh::by_differences(g, values, x)?;
    let turned = g.swapped(inner)?;
    g.add(inner, turned)
}

/// `y - a (a^T y)`, what the columns of a do not reach.
fn outside(g: &mut Graph, a: Value, y: Value) -> Result<Value> {
    let inside = g.product((a, true), (y, false))?;
    let inside = g.product((a, false), (inside, false))?;
    g.sub(y, inside)
}

impl Svd {
    /// That the gradient by columns which the matrix does not determine is not asked for.
    fn expect_determined(&self, d: Option<Value>, k: Size, side: Size) -> Result<()> {
        if self.full && d.is_some() && k.surely_below(side) {
            let wanted = "U and V without the columns that the matrix does not determine";
            return Err(Error::gradient(self.name(), wanted, "full matrices"));
        }
        Ok(())
    }
}

impl Op for Svd {
    fn name(&self) -> &'static str {
        "svd"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let (m, n) = sides(self.name(), "x", x)?;
        let k = least(m, n);
        let (left, right) = if self.full { (m, n) } else { (k, k) };
        Ok(vec![
            beside(x, &[m, left]),
            beside(x, &[k]),
            beside(x, &[right, n]),
        ])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (du, ds, dv) = (b.douts[0], b.douts[1], b.douts[2]);
        let (x, u, s, v) = (b.inputs[0], b.outputs[0], b.outputs[1], b.outputs[2]);
        let g = &mut *b.graph;
        let (m, n) = sides(self.name(), "x", g.spec(x))?;
        let k = least(m, n);
        self.expect_determined(du, k, m)?;
        self.expect_determined(dv, k, n)?;
        let u = g.cut(u, 1, Size::ZERO, k)?;
        let v = g.cut(v, 2, Size::ZERO, k)?;
        let squares = g.unary(map::Unary::Square, s)?;
        let (rows, columns) = (g.as_rows(s)?, g.as_columns(s)?);
        let inverse = g.inverse_or_zero(s)?;
        let mut dx = Vec::new();
        let mut inner = Vec::new();
        if let Some(du) = du {
            let du = g.cut(du, 1, Size::ZERO, k)?;
            let turned = g.product((u, true), (du, false))?;
            let turned = between(g, squares, turned)?;
            inner.push(g.mul(turned, rows)?);
            if k.surely_below(m) {
                let rest = outside(g, u, du)?;
                let inverse = g.as_rows(inverse)?;
                let rest = g.mul(rest, inverse)?;
                dx.push(g.product((rest, false), (v, false))?);
            }
        }
        if let Some(ds) = ds {
            let ds = g.as_rows(ds)?;
            let one = g.identity(x, k)?;
            inner.push(g.mul(one, ds)?);
        }
        if let Some(dv) = dv {
            let dv = g.cut(dv, 2, Size::ZERO, k)?;
            let turned = g.product((v, false), (dv, true))?;
            let turned = between(g, squares, turned)?;
            inner.push(g.mul(columns, turned)?);
            if k.surely_below(n) {
                let (v, dv) = (g.swapped(v)?, g.swapped(dv)?);
                let rest = outside(g, v, dv)?;
                let inverse = g.as_rows(inverse)?;
                let rest = g.mul(rest, inverse)?;
                dx.push(g.product((u, false), (rest, true))?);
            }
        }
        let first = inner[0];
        let inner = inner[1..].iter().try_fold(first, |sum, x| g.add(sum, *x))?;
        let inner = g.product((u, false), (inner, false))?;
        let first = g.product((inner, false), (v, false))?;
        let dx = dx.iter().try_fold(first, |sum, x| g.add(sum, *x))?;
        Ok(vec![Some(dx)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total, full) = (self.name(), count(inputs[0]), self.full);
        let dims = inputs[0].dims();
        let (m, n) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        let (short, work) = (m.min(n), 4 * m * n * m.min(n));
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let (left, right) = if full { (m, n) } else { (short, short) };
            let sizes = [m * left, short, right * n];
            let mut parts: Vec<_> = io.outputs.iter_mut().zip(sizes)
                .map(|(out, size)| out.slice::<T>().chunks_mut(size.max(1)))
                .collect();
            let tasks = (0..total)
                .map(|at| (at, parts.iter_mut().map(|part| part.next()).collect()))
                .collect();
            let bad = each(tasks, work, |(at, outs): (usize, Vec<Option<&mut [T]>>)| {
                let a = widened(nth(x, at, m * n));
                if !a.iter().all(|v| v.is_finite()) {
                    return false;
                }
                let Some(found) = Singular::of(&a, m, n, full) else {
                    return false;
                };
                let all = [transposed(&found.u, m), found.values, found.v];
                for (out, x) in outs.into_iter().zip(&all) {
                    out.into_iter().for_each(|out| narrowed(x, out));
                }
                true
            });
            expect_all(name, "matrices of finite numbers", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
