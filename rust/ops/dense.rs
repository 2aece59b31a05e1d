//! `y = f(x @ w + b)`, `x (..., k)`, `w (k, n)`, `b (n)`, `f` one of linear, relu, sigmoid, tanh.
//!
//! `dz = dout * f'(y)`; `dx = dz @ w^T`, `dw = x^T @ dz`, `db = ` the column sums of `dz`. Bias and
//! activation are applied to each block of the product while it is in cache.

use super::build::Build;
use super::check;
use super::matmul::Matmul;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Io, Op, Source, Value};
use crate::kernels::epilogue::{Activation, BiasActivation};
use crate::kernels::gemm::{gemm, Mat, MatMut};
use crate::kernels::map::{Compare, Unary};
use super::reduce::Reduction;
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct Dense {
    activation: Activation,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Dense {
        activation: r.one_of("activation", Activation::TABLE)?,
    }))
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
        if w.rank() != 2 || w.shape[0] != k {
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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (k, n) = (io.inputs[1].spec.shape[0], io.inputs[1].spec.shape[1]);
        let out_len = io.outputs[0].spec.len();
        if out_len == 0 {
            return Ok(());
        }
        let m = out_len / n;
        with_float!(io.outputs[0].spec.dtype, T => {
            let (x, w) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let end = BiasActivation {
                bias: io.inputs[2].slice::<T>(),
                activation: self.activation,
            };
            let out = MatMut::row_major(T::slice_mut(&mut io.outputs[0].data), m, n);
            gemm(Mat::row_major(x, m, k), Mat::row_major(w, k, n), out, false, &end);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, w, y) = (b.inputs[0], b.inputs[1], b.outputs[0]);
        let (sx, sy) = (b.spec(x), b.spec(y));
        let (k, n) = (sx.shape[sx.rank() - 1], sy.shape[sy.rank() - 1]);
        let m = sx.shape[..sx.rank() - 1].iter().product();
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
    if let Source::Node { node, output: 0 } = *g.source(dout) {
        let node = g.nodes[node].clone();
        if let Some((input, mask)) = node.op.relu_mask(&node.inputs, y) {
            let mut inputs = node.inputs;
            inputs[input] = relu_gradient(g, inputs[input], mask)?;
            return Ok(g.push_node(node.op, node.attrs, &inputs)?[0]);
        }
    }
    let zero = g.scalar(0.0, g.spec(y).dtype);
    let positive = g.compare(Compare::Gt, y, zero)?;
    g.select(positive, dout, zero)
}
