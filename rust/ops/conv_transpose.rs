//! `x[n, o*stride + k*dilation - before, s] = sum over taps k and channels c of y[n, o, c] *
//! w[k, s, c]`, for images x of spatial `sizes`: the gradient of `conv` by its images, and the
//! transposed convolution of Keras.
//!
//! `dy` is `conv` of dout with w, dw is `conv_kernel_grad` of dout and y. y (N, *O, M), w (*K, C /
//! groups, M), x (N, *sizes, C). (Zeiler et al. 2010; Dumoulin & Visin 2016, arXiv 1603.07285.)

use super::check;
use super::conv::{Conv, Windows};
use super::conv_kernel_grad::ConvKernelGrad;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::conv::{input_grad, Geometry};
use crate::kernels::epilogue::Activation;
use crate::kernels::piece::{Follow, Nobody};
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct ConvTranspose {
    pub windows: Windows,
    pub sizes: Vec<usize>,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    let windows = Windows::read("conv_transpose", r)?;
    let sizes = r.sizes("sizes")?;
    match sizes.len() == windows.rank() {
        true => Ok(Arc::new(ConvTranspose { windows, sizes })),
        false => Err(Error::attribute(
            "conv_transpose",
            format!("sizes of {} spatial axes", windows.rank()),
            format!("{sizes:?}"),
        )),
    }
}

impl ConvTranspose {
    /// The convolution that this one transposes, from images of `sizes` to images like y.
    fn geometry(&self, y: &Spec, w: &Spec) -> Result<Geometry> {
        let d = self.windows.rank();
        if w.rank() != d + 2 || y.rank() != d + 2 {
            return Err(Error::shape(
                self.name(),
                format!("images and a kernel of rank {}", d + 2),
                format!("{} and {}", show(&y.shape), show(&w.shape)),
            ));
        }
        let mut x = vec![y.shape[0]];
        x.extend(&self.sizes);
        x.push(w.shape[d].saturating_mul(self.windows.groups));
        let g = self.windows.geometry(self.name(), &x, &w.shape)?;
        let made = self.windows.output(&g);
        match made == y.shape {
            true => Ok(g),
            false => Err(Error::shape(
                self.name(),
                format!(
                    "images of {}, which a convolution of {} with a kernel of {} makes",
                    show(&made),
                    show(&x),
                    show(&w.shape)
                ),
                show(&y.shape),
            )),
        }
    }
}

impl Op for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [y, w] = check::count(self.name(), inputs)?;
        check::float(self.name(), "y", y)?;
        check::same_dtype(self.name(), y, w)?;
        let g = self.geometry(y, w)?;
        let mut shape = vec![g.batch];
        shape.extend(&self.sizes);
        shape.push(g.groups * g.depth);
        Ok(vec![Spec::new(shape, y.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        self.forward_in_pieces(io, &Nobody)
    }

    fn forward_in_pieces(&self, io: &mut Io, follow: &dyn Follow) -> Result<()> {
        let (y, w) = (io.inputs[0], io.inputs[1]);
        let g = self.geometry(y.spec, w.spec)?;
        with_float!(y.spec.dtype, T => {
            let x = T::slice_mut(&mut io.outputs[0].data);
            input_grad::<T>(&g, y.slice(), w.slice(), x, io.scratch, follow);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (y, w) = (b.inputs[0], b.inputs[1]);
        let kernel = b.spec(w).shape[..self.windows.rank()].to_vec();
        let windows = || self.windows.clone();
        let g = &mut *b.graph;
        let dy = match b.wanted[0] {
            false => None,
            true => {
                let op = Conv {
                    windows: windows(),
                    activation: Activation::Linear,
                };
                Some(g.push(op, &[dout, w])?)
            }
        };
        let dw = match b.wanted[1] {
            false => None,
            true => {
                let op = ConvKernelGrad {
                    windows: windows(),
                    kernel,
                };
                Some(g.push(op, &[dout, y])?)
            }
        };
        Ok(vec![dy, dw])
    }

    fn has_pieces(&self, inputs: &[&Spec]) -> bool {
        let g = self.geometry(inputs[0], inputs[1]);
        g.is_ok_and(|g| g.has_pieces(Activation::Linear))
    }

    fn scratch(&self, inputs: &[&Spec]) -> usize {
        let g = self.geometry(inputs[0], inputs[1]);
        with_float!(inputs[0].dtype, T => g.map_or(0, |g| g.input_grad_scratch::<T>()))
    }
}
