//! Short names with which backward passes write graph.

use super::{
    binary::Binary,
    broadcast_to::BroadcastTo,
    cast::Cast,
    reduce::{Reduce, Reduction},
    reshape::Reshape,
    select::Select,
    transpose::Transpose,
    unary::Unary,
};
use crate::error::{unwind, Result};
use crate::graph::{Graph, Value};
use crate::kernels::map;
use crate::size::Size;
use crate::tensor::{DType, Spec, Tensor};

/// Pushes the common ops; each returns its output.
pub trait Build {
    fn unary(&mut self, f: map::Unary, x: Value) -> Result<Value>;
    fn binary(&mut self, f: map::Binary, a: Value, b: Value) -> Result<Value>;
    fn compare(&mut self, f: map::Compare, a: Value, b: Value) -> Result<Value>;
    fn select(&mut self, cond: Value, a: Value, b: Value) -> Result<Value>;
    fn cast(&mut self, x: Value, dtype: DType) -> Result<Value>;
    fn reduce(&mut self, f: Reduction, x: Value, axes: &[usize], keepdims: bool) -> Result<Value>;
    fn reshape(&mut self, x: Value, shape: &[Size]) -> Result<Value>;
    fn transpose(&mut self, x: Value, axes: &[usize]) -> Result<Value>;
    fn broadcast_to(&mut self, x: Value, shape: &[Size]) -> Result<Value>;
    /// A 0-d constant.
    fn scalar(&mut self, x: f64, dtype: DType) -> Value;
    /// Zeros of the shape and dtype of x.
    fn zeros_like(&mut self, x: Value) -> Result<Value>;
    /// Sums a broadcast gradient back to the shape that was broadcast.
    fn sum_to(&mut self, x: Value, shape: &[Size]) -> Result<Value>;

    fn add(&mut self, a: Value, b: Value) -> Result<Value> {
        self.binary(map::Binary::Add, a, b)
    }
    fn sub(&mut self, a: Value, b: Value) -> Result<Value> {
        self.binary(map::Binary::Sub, a, b)
    }
    fn mul(&mut self, a: Value, b: Value) -> Result<Value> {
        self.binary(map::Binary::Mul, a, b)
    }
    fn div(&mut self, a: Value, b: Value) -> Result<Value> {
        self.binary(map::Binary::Div, a, b)
    }
    fn neg(&mut self, x: Value) -> Result<Value> {
        self.unary(map::Unary::Neg, x)
    }
    /// `x * factor`.
    fn scale(&mut self, x: Value, factor: f64) -> Result<Value>;
    /// `x + term`.
    fn offset(&mut self, x: Value, term: f64) -> Result<Value>;
}

impl Build for Graph {
    fn unary(&mut self, f: map::Unary, x: Value) -> Result<Value> {
        self.push(Unary::of(f), &[x])
    }
    fn binary(&mut self, f: map::Binary, a: Value, b: Value) -> Result<Value> {
        self.push(Binary::of(f), &[a, b])
    }
    fn compare(&mut self, f: map::Compare, a: Value, b: Value) -> Result<Value> {
        self.push(Binary::compare(f), &[a, b])
    }
    fn select(&mut self, cond: Value, a: Value, b: Value) -> Result<Value> {
        self.push(Select {}, &[cond, a, b])
    }
    fn cast(&mut self, x: Value, dtype: DType) -> Result<Value> {
        match self.spec(x).dtype == dtype {
            true => Ok(x),
            false => self.push(Cast { dtype }, &[x]),
        }
    }
    fn reduce(&mut self, f: Reduction, x: Value, axes: &[usize], keepdims: bool) -> Result<Value> {
        self.push(Reduce::of(f, axes, keepdims), &[x])
    }
    fn reshape(&mut self, x: Value, shape: &[Size]) -> Result<Value> {
        match self.spec(x).shape == shape {
            true => Ok(x),
            false => self.push(
                Reshape {
                    shape: shape.to_vec(),
                },
                &[x],
            ),
        }
    }
    fn transpose(&mut self, x: Value, axes: &[usize]) -> Result<Value> {
        self.push(
            Transpose {
                axes: axes.to_vec(),
            },
            &[x],
        )
    }
    fn broadcast_to(&mut self, x: Value, shape: &[Size]) -> Result<Value> {
        match self.spec(x).shape == shape {
            true => Ok(x),
            false => self.push(
                BroadcastTo {
                    shape: shape.to_vec(),
                },
                &[x],
            ),
        }
    }
    fn scalar(&mut self, x: f64, dtype: DType) -> Value {
        let mut tensor = Tensor::zeros(Spec::scalar(dtype)).unwrap_or_else(|e| unwind(e));
        crate::with_dtype!(dtype, T => {
            use crate::{kernels::number::Number, tensor::Element};
            T::slice_mut(&mut tensor.data_mut())[0] = T::from_f64(x);
        });
        self.constant(tensor)
    }
    fn zeros_like(&mut self, x: Value) -> Result<Value> {
        let Spec { shape, dtype } = self.spec(x).clone();
        let zero = self.scalar(0.0, dtype);
        self.broadcast_to(zero, &shape)
    }
    fn sum_to(&mut self, x: Value, shape: &[Size]) -> Result<Value> {
        let from = self.spec(x).shape.clone();
        if from == shape {
            return Ok(x);
        }
        let lead = from.len() - shape.len();
        let axes: Vec<usize> = (0..from.len())
            .filter(|&a| a < lead || (shape[a - lead] == 1 && from[a] != 1))
            .collect();
        let summed = self.reduce(Reduction::Sum, x, &axes, false)?;
        self.reshape(summed, shape)
    }
    fn scale(&mut self, x: Value, factor: f64) -> Result<Value> {
        let factor = self.scalar(factor, self.spec(x).dtype);
        self.mul(x, factor)
    }
    fn offset(&mut self, x: Value, term: f64) -> Result<Value> {
        let term = self.scalar(term, self.spec(x).dtype);
        self.add(x, term)
    }
}
