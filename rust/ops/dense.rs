//! `y = f(x @ w + b)`, `x (..., k)`, `w (k, n)`, `b (n)`, `f` one of linear, relu, sigmoid, tanh.
//!
//! `dz = dout * f'(y)`; `dx = dz @ w^T`, `dw = x^T @ dz`, `db = ` the column sums of `dz`. Bias and
//! activation are applied to each block of the product while it is in cache.

use super::build::Build;
use super::check;
use super::matmul::Matmul;
use super::named;
use super::reduce::Reduction;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::epilogue::{Activation, BiasActivation};
use crate::kernels::gemm::{gemm, Mat, MatMut};
use crate::kernels::map::{Compare, Unary};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    #[serde(with = "named")]
    activation: Activation,
}

impl Op for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, w, b] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::same_dtype(self.name(), x, w)?;
        check::same_dtype(self.name(), x, b)?;
        check::ranked(self.name(), "x", x)?;
        let k = x.shape[x.rank() - 1];
        if w.rank() != 2 || !w.shape[0].may_be(k) {
            return Err(Error::shape(
                self.name(),
                format!("a kernel of ({k}, n) for x of {}", show(&x.shape)),
                show(&w.shape),
            ));
        }
        check::same_shape(self.name(), &w.shape[1..], &b.shape)?;
        let mut shape = x.shape.clone();
        shape[x.rank() - 1] = w.shape[1];
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, w, y) = (b.inputs[0], b.inputs[1], b.outputs[0]);
        let (sx, sy) = (b.spec(x), b.spec(y));
        let (k, n) = (sx.shape[sx.rank() - 1], sy.shape[sy.rank() - 1]);
        let m: Size = sx.shape[..sx.rank() - 1].iter().product();
        let g = &mut *b.graph;
        let dz = before_activation(g, self.activation, dout, y)?;
        let dz = g.reshape(dz, &[m, n])?;
        let dx = match b.wanted[0] {
            false => None,
            true => {
                let op = Matmul {
                    transpose_a: false,
                    transpose_b: true,
                };
                let dx = g.push(op, &[dz, w])?;
                Some(g.reshape(dx, &sx.shape)?)
            }
        };
        let dw = match b.wanted[1] {
            false => None,
            true => {
                let op = Matmul {
                    transpose_a: true,
                    transpose_b: false,
                };
                let rows = g.reshape(x, &[m, k])?;
                Some(g.push(op, &[rows, dz])?)
            }
        };
        let db = match b.wanted[2] {
            false => None,
            true => Some(g.reduce(Reduction::Sum, dz, &[0], false)?),
        };
        Ok(vec![dx, dw, db])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let (k, n) = (inputs[1].dims()[0], inputs[1].dims()[1]);
        let m = outputs[0].len().checked_div(n).unwrap_or(0);
        let activation = self.activation;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let end = BiasActivation {
                bias: io.inputs[2].slice::<T>(),
                activation,
            };
            let x = Mat::row_major(io.inputs[0].slice(), m, k);
            let w = Mat::row_major(io.inputs[1].slice(), k, n);
            gemm(x, w, MatMut::row_major(io.outputs[0].slice(), m, n), false, &end);
            Ok(())
        })
        .into()))
    }
}

/// `dout * f'(z)` from `y = f(z)`.
pub fn before_activation(g: &mut Graph, f: Activation, dout: Value, y: Value) -> Result<Value> {
    let dtype = g.spec(y).dtype;
    match f {
        Activation::Linear => Ok(dout),
        Activation::Relu => relu_gradient(g, dout, y),
        Activation::Sigmoid => {
            let one = g.scalar(1.0, dtype);
            let rest = g.sub(one, y)?;
            let slope = g.mul(y, rest)?;
            g.mul(dout, slope)
        }
        Activation::Tanh => {
            let one = g.scalar(1.0, dtype);
            let square = g.unary(Unary::Square, y)?;
            let slope = g.sub(one, square)?;
            g.mul(dout, slope)
        }
    }
}

/// `dout` where `y > 0`, else 0.
pub fn relu_gradient(g: &mut Graph, dout: Value, y: Value) -> Result<Value> {
    let zero = g.scalar(0.0, g.spec(y).dtype);
    let positive = g.compare(Compare::Gt, y, zero)?;
    g.select(positive, dout, zero)
}
