//! What follows a matrix product while its block is in cache: bias and activation.

use super::float::Float;
use super::gemm::{Block, Epilogue};
use super::number::Number;

/// Activations whose derivative is a function of their value, so that only `y` need be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    Linear,
    Relu,
    Sigmoid,
    Tanh,
}

impl Activation {
    pub const TABLE: &'static [(&'static str, Activation)] = &[
        ("linear", Activation::Linear),
        ("relu", Activation::Relu),
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
    ];
}

/// `c = f(c + bias)`, bias by column.
#[derive(Debug)]
pub struct BiasActivation<'a, T> {
    pub bias: &'a [T],
    pub activation: Activation,
}

impl<T: Float + Number> Epilogue<T> for BiasActivation<'_, T> {
    #[inline(always)]
    fn apply(&self, mut block: Block<'_, T>) {
        let bias = &self.bias[block.col..block.col + block.cols];
        for i in 0..block.rows {
            let row = block.row_mut(i);
            match self.activation {
                Activation::Linear => finish(row, bias, |v| v),
                Activation::Relu => finish(row, bias, |v| Number::maximum(v, <T as Number>::ZERO)),
                Activation::Sigmoid => finish(row, bias, Float::sigmoid),
                Activation::Tanh => finish(row, bias, Float::tanh),
            }
        }
    }
}

#[inline(always)]
fn finish<T: Float>(row: &mut [T], bias: &[T], f: impl Fn(T) -> T) {
    for (c, b) in row.iter_mut().zip(bias) {
        *c = f(*c + *b);
    }
}
