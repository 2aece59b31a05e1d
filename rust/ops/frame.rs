//! `y[..., f, j] = x[..., f stride + j]`: the windows of `length` of the last axis, as many as fit.
//!
//! `dx` is `overlap_add` of dout. x (..., n) of any dtype, y (..., (n - length) / stride + 1, length).

use super::check;
use super::overlap_add::OverlapAdd;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::rows::parallel_rows;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::Spec;
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    pub length: Size,
    pub stride: usize,
}

impl Frame {
    pub fn check(&self, op: &str) -> Result<()> {
        match !self.length.surely_below(1) && self.stride > 0 {
            true => Ok(()),
            false => Err(Error::attribute(
                op,
                "a length and a stride of 1 or more",
                format!("length {} and stride {}", self.length, self.stride),
            )),
        }
    }

    /// Windows that fit into n elements.
    pub fn count(&self, n: Size) -> Size {
        let last = (n - self.length).floor_div(self.stride);
        (last + 1).max(Size::ZERO)
    }
}

impl Op for Frame {
    fn name(&self) -> &'static str {
        "frame"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::ranked(self.name(), "x", x)?;
        self.check(self.name())?;
        let mut shape = x.shape.clone();
        let last = shape.len() - 1;
        shape[last] = self.count(shape[last]);
        shape.push(self.length);
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.spec(b.inputs[0]);
        let op = OverlapAdd {
            stride: self.stride,
            size: x.shape[x.rank() - 1],
        };
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let n = inputs[0].dims()[inputs[0].rank() - 1];
        let count = outputs[0].dims()[outputs[0].rank() - 2];
        let (length, stride) = (self.length.get(), self.stride);
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = io.inputs[0].slice::<T>();
            parallel_rows(io.outputs[0].slice::<T>(), length, |first, frames| {
                for (i, frame) in frames.chunks_exact_mut(length).enumerate() {
                    let (row, place) = ((first + i) / count, (first + i) % count);
                    frame.copy_from_slice(&x[row * n + place * stride..][..length]);
                }
            });
            Ok(())
        })
        .into()))
    }
}
