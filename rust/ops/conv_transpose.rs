//! `x[n, o*stride + k*dilation - before, s] = sum over taps k and channels c of y[n, o, c] *
//! w[k, s, c]`, for images x of spatial `sizes`: the gradient of `conv` by its images, and the
//! transposed convolution of Keras.
//!
//! `dy` is `conv` of dout with w, dw is `conv_kernel_grad` of dout and y. y (N, *O, M), w (*K, C /
//! groups, M), x (N, *sizes, C). (Zeiler et al. 2010; Dumoulin & Visin 2016, arXiv 1603.07285.)

use super::check;
use super::conv::{repacking, Conv, Windows};
use super::conv_kernel_grad::ConvKernelGrad;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::conv::{InputGrad, Weights};
use crate::kernels::epilogue::Activation;
use crate::kernels::tile::Consumer;
use crate::run::{Io, Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvTranspose {
    #[serde(flatten)]
    pub windows: Windows,
    pub sizes: Vec<Size>,
}

impl ConvTranspose {
    /// The shape of the images that the convolution which this one transposes makes images like y of.
    fn images(&self, y: &Spec, w: &Spec) -> Result<Vec<Size>> {
        let d = self.windows.rank();
        if self.sizes.len() != d {
            return Err(Error::attribute(
                self.name(),
                format!("sizes of {d} spatial axes"),
                format!("{:?}", self.sizes),
            ));
        }
        if w.rank() != d + 2 || y.rank() != d + 2 {
            return Err(Error::shape(
                self.name(),
                format!("images and a kernel of rank {}", d + 2),
                format!("{} and {}", show(&y.shape), show(&w.shape)),
            ));
        }
        let mut x = vec![y.shape[0]];
        x.extend(&self.sizes);
        x.push(w.shape[d] * self.windows.groups);
        let made = self.windows.output(self.name(), &x, &w.shape)?;
        match check::agree(&made, &y.shape) {
            true => Ok(x),
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
        Ok(vec![Spec::new(self.images(y, w)?, y.dtype)])
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

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (y, w) = (inputs[0], inputs[1]);
        let x = self.images(y, w)?;
        let g = self.windows.geometry(self.name(), &x, &w.shape)?;
        Ok(with_float!(inputs[0].dtype, T => {
            let scratch = g.input_grad_scratch::<T>();
            let in_tiles = g.makes_tiles(Activation::Linear);
            let pass = Arc::new(InputGrad::new(g));
            let same = pass.clone();
            let repacking = repacking(pass.packing::<T>(), move |w, to| same.pack::<T>(w, to));
            let run = move |io: &mut Io, consumer: &dyn Consumer| {
                let (y, plain) = (io.inputs[0].slice(), io.inputs[1].slice());
                let w = Weights {
                    plain,
                    packed: io.repacked,
                };
                pass.run::<T>(y, w, io.outputs[0].slice(), io.scratch, consumer);
                Ok(())
            };
            let kernel = Kernel::producer(in_tiles, run).with_scratch(scratch);
            kernel.repacks(repacking).into()
        }))
    }
}
