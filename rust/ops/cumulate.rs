//! `y_i = x_0 f x_1 f ... f x_i` along `axis`, `f` a sum (cumsum) or a product (cumprod); `reverse`
//! starts from the end, `exclusive` leaves `x_i` itself out.
//!
//! cumsum: `dx` is the cumsum of `dout` from the other end. cumprod: `dx_j = sum_i dout_i dy_i/dx_j`
//! with each `dy_i/dx_j` the product of the other factors, so zeros are no trouble.

use super::build::Build;
use super::check;
use super::lanes::{map_lanes, split};
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::number::Number;
use crate::tensor::{DType, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

const TABLE: &[(&str, Function)] = &[("cumsum", Function::Sum), ("cumprod", Function::Product)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Sum,
    Product,
}

#[derive(Clone, Debug)]
pub struct Cumulate {
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

pub fn functions() -> Vec<&'static str> {
    TABLE.iter().map(|(name, _)| *name).collect()
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Cumulate {
        function: r.one_of("function", TABLE)?,
        axis: r.size("axis")?,
        reverse: r.bool("reverse")?,
        exclusive: r.bool("exclusive")?,
    }))
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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let lanes = split(&io.inputs[0].spec.shape, self.axis);
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            map_lanes(io.inputs[0].slice::<T>(), out, lanes, lanes.1, |x, y| {
                let n = x.len();
                let mut so_far = match self.function {
                    Function::Sum => T::ZERO,
                    Function::Product => T::ONE,
                };
                for step in 0..n {
                    let i = if self.reverse { n - 1 - step } else { step };
                    let with = match self.function {
                        Function::Sum => so_far.add(x[i]),
                        Function::Product => so_far.mul(x[i]),
                    };
                    y[i] = if self.exclusive { so_far } else { with };
                    so_far = with;
                }
            });
        });
        Ok(())
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
}

/// `dx` of cumprod by the recurrence `s_j = dout_j + x_{j+1} s_{j+1}`, `dx_j = p_j s_j`, where `p_j` is
/// the product before `x_j` (exclusive: `s_j = dout_{j+1} + x_{j+1} s_{j+1}`).
#[derive(Debug)]
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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (_, n, inner) = split(&io.inputs[0].spec.shape, self.0.axis);
        crate::with_float!(io.inputs[0].spec.dtype, T => {
            let x: &[T] = io.inputs[0].slice();
            let dout: &[T] = io.inputs[1].slice();
            let out = T::slice_mut(&mut io.outputs[0].data);
            if n * inner == 0 {
                return Ok(());
            }
            for (o, out) in out.chunks_mut(n * inner).enumerate() {
                let (x, dout) = (&x[o * n * inner..], &dout[o * n * inner..]);
                for i in 0..inner {
                    let at = |step: usize| {
                        let j = if self.0.reverse { n - 1 - step } else { step };
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
                            if self.0.exclusive {
                                share += dout[next];
                            }
                        }
                        if !self.0.exclusive {
                            share += dout[at(step)];
                        }
                        out[at(step)] *= share;
                    }
                }
            }
        });
        Ok(())
    }
}
