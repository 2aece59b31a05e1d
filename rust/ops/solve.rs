//! The x with `a x = b`, for a (..., n, n) and b (..., n, k); with `transpose` the x with `a^T x = b`.
//!
//! `db` solves the system of the transpose for dout, and `da = -db x^T` (transposed: `-x db^T`). A singular
//! matrix is a `DataError`. (Giles, "An extended collection of matrix derivative results", 2008.)

use super::check;
use super::matrices::{count, expect_all, nth, systems};
use super::solve_triangular::by_matrix;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::linalg::{each, factors, narrowed, transposed, widened};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solve {
    pub transpose: bool,
}

impl Op for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [a, b] = check::count(self.name(), inputs)?;
        Ok(vec![systems(self.name(), a, b)?])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (dout, x, a) = (b.dout(self.name())?, b.outputs[0], b.inputs[0]);
        let g = &mut *b.graph;
        let op = Solve {
            transpose: !self.transpose,
        };
        let db = g.push(op, &[a, dout])?;
        let da = match b.wanted[0] {
            true => Some(by_matrix(g, db, x, self.transpose)?),
            false => None,
        };
        Ok(vec![da, Some(db)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, total) = (self.name(), count(inputs[0]));
        let dims = inputs[1].dims();
        let (n, k) = (dims[dims.len() - 2], dims[dims.len() - 1]);
        let (transpose, work) = (self.transpose, n * n * (n / 3 + k));
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (a, b) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let out = io.outputs[0].slice::<T>().chunks_exact_mut(n * k);
            let tasks = (0..total).zip(out).collect();
            let bad = each(tasks, work, |(at, out): (usize, &mut [T])| {
                let mut a = widened(nth(a, at, n * n));
                if transpose {
                    a = transposed(&a, n);
                }
                let mut pivots = room(0, n);
                factors::lu(&mut a, n, n, &mut pivots);
                let mut x = widened(nth(b, at, n * k));
                let is_solved = factors::solve(&a, n, &pivots, &mut x);
                narrowed(&x, out);
                is_solved
            });
            expect_all(name, "invertible matrices", bad)
        }));
        Ok(kernel.fallible(true).into())
    }
}
