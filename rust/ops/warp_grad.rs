//! `y[n, v, u] += x[n, i, j]` into zeros, for each pixel (i, j) at the places that `warp` reads for it,
//! with its weights: the adjoint of `warp` by the images, which is its gradient.
//!
//! `dx = ` the op `warp` of `dout` with the value 0; none flows into the transforms. x (N, H, W, C),
//! transforms (N, 8).

use super::warp::{check_inputs, read, size, Warp};
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::warp::{warp_grad, Reading};
use crate::tensor::{Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct WarpGrad {
    pub reading: Reading,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(WarpGrad { reading: read(r)? }))
}

impl Op for WarpGrad {
    fn name(&self) -> &'static str {
        "warp_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        check_inputs(self.name(), "x", inputs)
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let spec = io.inputs[0].spec;
        with_float!(spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            let (x, transforms): (&[T], &[T]) = (io.inputs[0].slice(), io.inputs[1].slice());
            warp_grad(x, transforms, size(spec), self.reading, out);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let transforms = b.inputs[1];
        let op = Warp {
            reading: self.reading,
            value: 0.0,
        };
        Ok(vec![Some(b.graph.push(op, &[dout, transforms])?), None])
    }
}
