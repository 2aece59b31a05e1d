//! `y_i = x_0 f x_1 f ... f x_i` along `axis`, `f` a sum (cumsum) or a product (cumprod); `reverse`
//! starts from the end, `exclusive` leaves `x_i` itself out.
//!
//! cumsum: `dx` is the cumsum of `dout` from the other end. cumprod: `dx_j = sum_i dout_i dy_i/dx_j`
//! with each `dy_i/dx_j` the product of the other factors, so zeros are no trouble.

use super::build::Build;
use super::check;
use super::lanes::{map_lanes, split};
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::tensor::{DType, Spec};
use crate::{with_dtype, with_float};
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
        // With p_j the product before x_j, x_j's share obeys, from the end,
        // s_j = dout_j + x_{j+1} s_{j+1} (inclusive) and dx_j = p_j s_j: an op of its own.
        let op = CumprodGrad(self.clone());
        let x = b.inputs[0];
        let spec = b.spec(x);
        let dx = b.graph.push(op, &[x, dout])?;
        let dx = b.graph.reshape(dx, &spec.shape)?;
        Ok(vec![Some(dx)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let lanes = split(&inputs[0].shape, self.axis);
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

/// `dx` of cumprod by the recurrence `s_j = dout_j + x_{j+1} s_{j+1}`, `dx_j = p_j s_j`, where `p_j` is
/// the product before `x_j` (exclusive: `s_j = dout_{j+1} + x_{j+1} s_{j+1}`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CumprodGrad(Cumulate);

impl Op for CumprodGrad {
    fn name(&self) -> &'static str {
        "cumulate"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, dout] = check::count(self.name(), inputs)?;
        check::same_shape(self.name(), &x.shape, &dout.shape)?;
        Ok(vec![x.clone()])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (_, n, inner) = split(&inputs[0].shape, self.0.axis);
        let Cumulate {
            reverse, exclusive, ..
        } = self.0;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, dout) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let out = io.outputs[0].slice::<T>();
            for (o, out) in out.chunks_mut((n * inner).max(1)).enumerate() {
                let (x, dout) = (&x[o * n * inner..], &dout[o * n * inner..]);
                for i in 0..inner {
                    let at = |step: usize| {
                        let j = if reverse { n - 1 - step } else { step };
                        j * inner + i
                    };
                    let mut before = <T as Number>::ONE;
                    for step in 0..n {
                        out[at(step)] = before;
                        before *= x[at(step)];
                    }
                    let mut share = <T as Number>::ZERO;
                    for step in (0..n).rev() {
                        if step + 1 < n {
                            let next = at(step + 1);
                            share *= x[next];
                            if exclusive {
                                share += dout[next];
                            }
                        }
                        if !exclusive {
                            share += dout[at(step)];
                        }
                        out[at(step)] *= share;
                    }
                }
            }
            Ok(())
        })
        .into()))
    }
}
