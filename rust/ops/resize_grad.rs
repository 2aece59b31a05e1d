//! `y[n, h, w, c] = sum over i, j of R[i, h] C[j, w] x[n, i, j, c]`: the adjoint of `resize`, which is
//! its gradient.
//!
//! `dx = ` the op `resize` of `dout`. x (N, H, W, C), y (N, size[0], size[1], C); R and C are the weights
//! with which `resize` makes images of x's size of images of y's.

use super::check;
use super::resize::{check_images, resampled, Resize};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::run::Prepared;
use crate::size::Size;
use crate::tensor::Spec;
use serde::{Deserialize, Serialize};

/// `size` is that of the images that were resized.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeGrad(pub Resize);

impl ResizeGrad {
    /// The op that this one is the adjoint of, for gradients of this shape.
    fn forwards(&self, shape: &[Size]) -> Resize {
        Resize {
            size: [shape[1], shape[2]],
            ..self.0.clone()
        }
    }
}

impl Op for ResizeGrad {
    fn name(&self) -> &'static str {
        "resize_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        self.0.check(self.name())?;
        check::float(self.name(), "x", x)?;
        check_images(self.name(), "x", x)?;
        let [height, width] = self.0.size;
        let shape = [x.shape[0], height, width, x.shape[3]];
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let op = self.forwards(&b.spec(b.inputs[0]).shape);
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let forwards = self.forwards(&inputs[0].shape);
        let [rows, columns] = forwards.taps(outputs[0].dims()).map(|t| t.transposed());
        Ok(resampled(inputs[0], rows, columns).into())
    }
}
