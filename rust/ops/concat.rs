//! `y = x_0, x_1, ...` one after the other along `axis`.
//!
//! `dx_i = ` the slice of `dout` that `x_i` became.

use super::check;
use super::lanes::split;
use super::slice::Slice;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::strided::{copy_matrix, matrix, matrix_mut};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_dtype;
use ndarray::Axis;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concat {
    pub axis: usize,
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let Some(first) = inputs.first() else {
            return Err(Error::shape(self.name(), "at least one input", "none"));
        };
        check::axis(self.name(), self.axis, first)?;
        let mut out = (*first).clone();
        out.shape[self.axis] = Size::ZERO;
        for input in inputs {
            check::same_dtype(self.name(), first, input)?;
            let agree = input.rank() == first.rank()
                && (0..first.rank())
                    .all(|a| a == self.axis || input.shape[a].may_be(first.shape[a]));
            if !agree {
                return Err(Error::shape(
                    self.name(),
                    format!("{} but for axis {}", show(&first.shape), self.axis),
                    show(&input.shape),
                ));
            }
            for (axis, size) in out.shape.iter_mut().enumerate() {
                *size = match axis == self.axis {
                    // A sum that stops at the largest number is refused with the output's spec.
                    true => *size + input.shape[axis],
                    false => size.agreed(input.shape[axis]).unwrap_or(*size),
                };
            }
        }
        Ok(vec![out])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let full = b.spec(dout).shape;
        let mut at = Size::ZERO;
        let mut out = Vec::new();
        for input in b.inputs.clone() {
            let size = b.spec(input).shape[self.axis];
            let slice = Slice::range(&full, self.axis, at, at + size);
            out.push(Some(b.graph.push(slice, &[dout])?));
            at += size;
        }
        Ok(out)
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let (outer, n, inner) = split(outputs[0].dims(), self.axis);
        let widths: Vec<usize> = inputs.iter().map(|i| i.dims()[self.axis] * inner).collect();
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            // (outer, n * inner)
            let mut rest = matrix_mut(io.outputs[0].slice::<T>(), outer, n * inner);
            for (input, &width) in io.inputs.iter().zip(&widths) {
                let (to, after) = rest.split_at(Axis(1), width);
                copy_matrix(matrix(input.slice(), outer, width), to);
                rest = after;
            }
            Ok(())
        })
        .into()))
    }
}
