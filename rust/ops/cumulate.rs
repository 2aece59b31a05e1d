//! `y_i = x_0 f x_1 f ... f x_i` along `axis`, `f` a sum (cumsum) or a product (cumprod); `reverse`
//! starts from the end, `exclusive` leaves `x_i` itself out.
//!
//! cumsum: `dx` is the cumsum of `dout` from the other end. cumprod: `dx_j = sum_i dout_i dy_i/dx_j`
//! with each `dy_i/dx_j` the product of the other factors, so zeros are no trouble: the product before
//! `x_j` times a `linear_recurrence` from the other end.

use super::build::Build;
use super::check;
use super::lanes::{map_lanes, split};
use super::linear_recurrence::{moved, LinearRecurrence};
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::tensor::{DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

impl Named for Function {
    fn table() -> Vec<(&'static str, Self)> {
        vec![("cumsum", Function::Sum), ("cumprod", Function::Product)]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Sum,
    Product,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cumulate {
    #[serde(with = "named")]
    function: Function,
    axis: usize,
    reverse: bool,
    exclusive: bool,
}

impl Cumulate {
    /// The products of all before each element (after it, with `reverse`).
    pub fn product(axis: usize, reverse: bool) -> Self {
        Cumulate {
            function: Function::Product,
            axis,
            reverse,
            exclusive: true,
        }
    }
}

impl Op for Cumulate {
    fn name(&self) -> &'static str {
        "cumulate"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::axis(self.name(), self.axis, x)?;
        match x.dtype {
            DType::Bool => Err(Error::dtype(self.name(), "x of numbers", "bool")),
            _ => Ok(vec![x.clone()]),
        }
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        if self.function == Function::Sum {
            let op = Cumulate {
                reverse: !self.reverse,
                ..self.clone()
            };
            return Ok(vec![Some(b.graph.push(op, &[dout])?)]);
        }
        // dx_j = before_j after_j, no division: before_j is the product before x_j, and after_j, from the
        // end, dout_j + x_{j+1} after_{j+1} (exclusive: dout_{j+1}).
        let (x, axis, reverse) = (b.inputs[0], self.axis, self.reverse);
        let g = &mut *b.graph;
        let before = g.push(Cumulate::product(axis, reverse), &[x])?;
        let next = moved(g, x, axis, reverse)?;
        let dout = match self.exclusive {
            true => moved(g, dout, axis, reverse)?,
            false => dout,
        };
        let op = LinearRecurrence {
            axis,
            reverse: !reverse,
        };
        let after = g.push(op, &[next, dout])?;
        let dx = g.mul(before, after)?;
        Ok(vec![Some(dx)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let lanes = split(inputs[0].dims(), self.axis);
        let Cumulate {
            function,
            reverse,
            exclusive,
            ..
        } = *self;
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            map_lanes(x, out, lanes, lanes.1, |x, y| {
                let n = x.len();
                let mut so_far = match function {
                    Function::Sum => T::ZERO,
                    Function::Product => T::ONE,
                };
                for step in 0..n {
                    let i = if reverse { n - 1 - step } else { step };
                    let with = match function {
                        Function::Sum => so_far.add(x[i]),
                        Function::Product => so_far.mul(x[i]),
                    };
                    y[i] = if exclusive { so_far } else { with };
                    so_far = with;
                }
            });
            Ok(())
        })
        .into()))
    }
}
