//! `w[k, s, c] = sum over images n and positions o of x[n, o*stride + k*dilation - before, s] *
//! y[n, o, c]`, for kernels w of spatial sizes `kernel`: the gradient of `conv` by its kernel.
//!
//! dx is `conv_transpose` of y with dout, dy is `conv` of x with dout. x (N, *S, C), y (N, *O, M),
//! w (*K, C / groups, M).

use super::check;
use super::conv::{Conv, Windows};
use super::conv_transpose::ConvTranspose;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::conv::{kernel_grad, Geometry, Lines};
use crate::kernels::epilogue::Activation;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvKernelGrad {
    #[serde(flatten)]
    pub windows: Windows,
    pub kernel: Vec<Size>,
}

impl ConvKernelGrad {
    /// The shape of the kernel of the convolution that makes images like y of images x.
    fn kernel(&self, x: &Spec, y: &Spec) -> Result<Vec<Size>> {
        let (d, groups) = (self.windows.rank(), self.windows.groups);
        if self.kernel.len() != d {
            return Err(Error::attribute(
                self.name(),
                format!("kernel sizes of {d} spatial axes"),
                format!("{:?}", self.kernel),
            ));
        }
        let fits = |s: &Spec| s.rank() == d + 2 && s.shape[d + 1].whole_div(groups).is_some();
        if !fits(x) || !fits(y) {
            return Err(Error::shape(
                self.name(),
                format!(
                    "images of rank {} with channels that {groups} groups divide",
                    d + 2
                ),
                format!("{} and {}", show(&x.shape), show(&y.shape)),
            ));
        }
        let mut w = self.kernel.clone();
        w.extend([x.shape[d + 1].floor_div(groups), y.shape[d + 1]]);
        let made = self.windows.output(self.name(), &x.shape, &w)?;
        match check::agree(&made, &y.shape) {
            true => Ok(w),
            false => Err(Error::shape(
                self.name(),
                format!(
                    "images of {}, which a convolution of {} with a kernel of {} makes",
                    show(&made),
                    show(&x.shape),
                    show(&w)
                ),
                show(&y.shape),
            )),
        }
    }

    /// The convolution that makes images like y of images x.
    pub fn geometry(&self, x: &Spec, y: &Spec) -> Result<Geometry> {
        let w = self.kernel(x, y)?;
        self.windows.geometry(self.name(), &x.shape, &w)
    }
}

impl Op for ConvKernelGrad {
    fn name(&self) -> &'static str {
        "conv_kernel_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, y] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::same_dtype(self.name(), x, y)?;
        Ok(vec![Spec::new(self.kernel(x, y)?, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.inputs[1]);
        let sizes = b.spec(x).shape[1..=self.windows.rank()].to_vec();
        let windows = || self.windows.clone();
        let g = &mut *b.graph;
        let dx = match b.wanted[0] {
            false => None,
            true => {
                let op = ConvTranspose {
                    windows: windows(),
                    sizes,
                };
                Some(g.push(op, &[y, dout])?)
            }
        };
        let dy = match b.wanted[1] {
            false => None,
            true => {
                let op = Conv {
                    windows: windows(),
                    activation: Activation::Linear,
                };
                Some(g.push(op, &[x, dout])?)
            }
        };
        Ok(vec![dx, dy])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let g = self.geometry(inputs[0], inputs[1])?;
        Ok(with_float!(inputs[0].dtype, T => {
            let scratch = g.kernel_grad_scratch::<T>();
            let kernel = Kernel::new(move |io| {
                let (x, y) = (io.inputs[0].slice(), Lines::Stored(io.inputs[1].slice()));
                kernel_grad::<T>(&g, x, y, io.outputs[0].slice(), io.scratch);
                Ok(())
            });
            kernel.with_scratch(scratch).into()
        }))
    }
}
