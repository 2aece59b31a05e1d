//! The determinant of x (..., n, n); with `log` its sign and ln of its size, 0 and minus infinity for a
//! singular x.
//!
//! `dx = dout cofactors(x)`; of the logarithm `dout x^-T`, for which a singular matrix is a `DataError`.
//! (Giles, "An extended collection of matrix derivative results", 2008.)

use super::build::Build;
use super::check;
use super::cofactors::Cofactors;
use super::matrices::{batch, nth, square, Matrices};
use super::solve::Solve;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::float::Float;
use crate::kernels::linalg::{each, factors, widened};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Determinant {
    pub log: bool,
}

impl Op for Determinant {
    fn name(&self) -> &'static str {
        "determinant"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        square(self.name(), "x", x)?;
        let one = Spec::new(batch(x), x.dtype);
        Ok(vec![one; if self.log { 2 } else { 1 }])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let Some(dout) = b.douts[usize::from(self.log)] else {
            return Ok(vec![None]);
        };
        let x = b.inputs[0];
        let g = &mut *b.graph;
        let n = square(self.name(), "x", g.spec(x))?;
        let slope = match self.log {
            true => {
                let one = g.identity(x, n)?;
                g.push(Solve { transpose: true }, &[x, one])?
            }
            false => g.push(Cofactors {}, &[x])?,
        };
        let dout = g.as_columns(dout)?;
        let dout = g.as_columns(dout)?;
        Ok(vec![Some(g.mul(dout, slope)?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let (total, log) = (outputs[0].len(), self.log);
        let n = inputs[0].dims()[inputs[0].rank() - 1];
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            let mut found = room((0.0, 0.0), total);
            let tasks = found.iter_mut().enumerate().collect();
            each(tasks, n * n * n / 3, |(at, found): (usize, &mut (f64, f64))| {
                let mut a = widened(nth(x, at, n * n));
                let mut pivots = room(0, n);
                factors::lu(&mut a, n, n, &mut pivots);
                *found = match log {
                    true => factors::log_determinant(&a, n, &pivots),
                    false => (factors::determinant(&a, n, &pivots), 0.0),
                };
                true
            });
            for (number, out) in io.outputs.iter_mut().enumerate() {
                for (to, found) in out.slice::<T>().iter_mut().zip(&found) {
                    *to = <T as Float>::from_f64(if number == 0 { found.0 } else { found.1 });
                }
            }
            Ok(())
        })
        .into()))
    }
}
