//! `y[n, v, u] += x[n, i, j]` into zeros, for each pixel (i, j) at the places that `warp` reads for it,
//! with its weights: the adjoint of `warp` by the images, which is its gradient.
//!
//! `dx = ` the op `warp` of `dout` with the value 0; none flows into the transforms. x (N, H, W, C),
//! transforms (N, 8).

use super::named;
use super::warp::{check_inputs, size, Warp};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::warp::{warp_grad, Fill, Method, Reading};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarpGrad {
    #[serde(with = "named")]
    pub method: Method,
    #[serde(with = "named")]
    pub fill: Fill,
}

impl Op for WarpGrad {
    fn name(&self) -> &'static str {
        "warp_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        check_inputs(self.name(), "x", inputs)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let transforms = b.inputs[1];
        let op = Warp {
            method: self.method,
            fill: self.fill,
            value: 0.0,
        };
        Ok(vec![Some(b.graph.push(op, &[dout, transforms])?), None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let size = size(inputs[0]);
        let reading = Reading {
            method: self.method,
            fill: self.fill,
        };
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, transforms) = (io.inputs[0].slice(), io.inputs[1].slice());
            warp_grad::<T>(x, transforms, size, reading, io.outputs[0].slice());
            Ok(())
        })
        .into()))
    }
}
