//! The x with `a x = b`, for a (..., n, n), of which one triangle is read, and b (..., n, k); with
//! `transpose` the x with `a^T x = b`. With `unit` the diagonal of a counts as 1.
//!
//! `db` solves the system of the transpose for dout, and `da = -db x^T` (transposed: `-x db^T`), of the
//! triangle alone. A 0 on the diagonal is a `DataError`.

use super::build::Build;
use super::check;
use super::matrices::{count, expect_all, nth, systems, Matrices, Part};
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::linalg::factors::{solve_triangle, Triangle};
use crate::kernels::linalg::{each, narrowed, transposed, widened};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SolveTriangular {
    pub lower: bool,
    pub transpose: bool,
    pub unit: bool,
}

/// `-db x^T`, or `-x db^T` for a system of the transpose.
pub fn by_matrix(g: &mut Graph, db: Value, x: Value, transpose: bool) -> Result<Value> {
    let (left, right) = if transpose { (x, db) } else { (db, x) };
    let product = g.product((left, false), (right, true))?;
    g.neg(product)
}

impl Op for SolveTriangular {
    fn name(&self) -> &'static str {
        "solve_triangular"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [a, b] = check::count(self.name(), inputs)?;
        Ok(vec![systems(self.name(), a, b)?])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (dout, x, a) = (b.dout(self.name())?, b.outputs[0], b.inputs[0]);
        let g = &mut *b.graph;
        let op = SolveTriangular {
            transpose: !self.transpose,
            ..self.clone()
        };
        let db = g.push(op, &[a, dout])?;
        let mut da = None;
        if b.wanted[0] {
            let whole = by_matrix(g, db, x, self.transpose)?;
            da = Some(match (self.lower, self.unit) {
                (true, false) => g.part(whole, Part::Lower)?,
                (true, true) => g.part(whole, Part::BelowDiagonal)?,
                (false, false) => g.part(whole, Part::Upper)?,
                (false, true) => {
                    let upper = g.swapped(whole)?;
                    let upper = g.part(upper, Part::BelowDiagonal)?;
                    g.swapped(upper)?
                }
            });
        }
        Ok(vec![da, Some(db)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total) = (self.name(), count(inputs[0]));
        let dims = inputs[1].dims();
        let (n, k) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        let transpose = self.transpose;
        let how = Triangle {
            lower: self.lower != transpose,
            unit: self.unit,
        };
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (a, b) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let out = io.outputs[0].slice::<T>().chunks_exact_mut(n * k);
            let tasks = (0..total).zip(out).collect();
            let bad = each(tasks, n * n * k / 2, |(at, out): (usize, &mut [T])| {
                let mut a = widened(nth(a, at, n * n));
                if transpose {
                    a = transposed(&a, n);
                }
                let mut x = widened(nth(b, at, n * k));
                let is_solved = solve_triangle(&a, n, how, &mut x);
                narrowed(&x, out);
                is_solved
            });
            expect_all(name, "triangular matrices whose diagonal is nowhere 0", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
