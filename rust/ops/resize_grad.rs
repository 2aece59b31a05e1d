//! `y[n, h, w, c] = sum over i, j of R[i, h] C[j, w] x[n, i, j, c]`: the adjoint of `resize`, which is
//! its gradient.
//!
//! `dx = ` the op `resize` of `dout`. x (N, H, W, C), y (N, size[0], size[1], C); R and C are the weights
//! with which `resize` makes images of x's size of images of y's.

use super::check;
use super::resize::{check_images, read, Resize};
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::resize::resample;
use crate::tensor::{Element, Spec};
use crate::with_float;
use std::sync::Arc;

/// `size` is that of the images that were resized.
#[derive(Debug)]
pub struct ResizeGrad(pub Resize);

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(ResizeGrad(read("resize_grad", r)?)))
}

impl ResizeGrad {
    /// The op that this one is the adjoint of, for gradients of this shape.
    fn forwards(&self, shape: &[usize]) -> Resize {
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
        check::float(self.name(), "x", x)?;
        check_images(self.name(), "x", x)?;
        let [height, width] = self.0.size;
        let shape = [x.shape[0], height, width, x.shape[3]];
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let spec = io.inputs[0].spec;
        let channels = spec.shape[3];
        let op = self.forwards(&spec.shape);
        let [rows, columns] = op.taps(&io.outputs[0].spec.shape).map(|t| t.transposed());
        with_float!(spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            let x: &[T] = io.inputs[0].slice();
            resample(x, channels, &rows.cast(), &columns.cast(), out);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let op = self.forwards(&b.spec(b.inputs[0]).shape);
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }
}
