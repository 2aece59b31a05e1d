//! `w[k, s, c] = sum over images n and positions o of x[n, o*stride + k*dilation - before, s] *
//! y[n, o, c]`, for kernels w of spatial sizes `kernel`: the gradient of `conv` by its kernel.
//!
//! dx is `conv_transpose` of y with dout, dy is `conv` of x with dout. x (N, *S, C), y (N, *O, M),
//! w (*K, C / groups, M).

use super::check;
use super::conv::{Conv, Windows};
use super::conv_transpose::ConvTranspose;
use super::pool_grad::Unpool;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Io, Op, Value};
use crate::kernels::conv::{kernel_grad, Geometry, Lines};
use crate::kernels::epilogue::Activation;
use crate::kernels::pool::unpool_lines;
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use std::ops::Range;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct ConvKernelGrad {
    pub windows: Windows,
    pub kernel: Vec<usize>,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    let windows = Windows::read("conv_kernel_grad", r)?;
    let kernel = r.sizes("kernel")?;
    match kernel.len() == windows.rank() {
        true => Ok(Arc::new(ConvKernelGrad { windows, kernel })),
        false => Err(Error::attribute(
            "conv_kernel_grad",
            format!("kernel sizes of {} spatial axes", windows.rank()),
            format!("{kernel:?}"),
        )),
    }
}

impl ConvKernelGrad {
    /// The convolution of images x that makes images like y, and the shape of its kernel.
    fn geometry(&self, x: &Spec, y: &Spec) -> Result<(Geometry, Vec<usize>)> {
        let (d, groups) = (self.windows.rank(), self.windows.groups);
        let fits = |s: &Spec| s.rank() == d + 2 && s.shape[d + 1].is_multiple_of(groups);
        if !fits(x) || !fits(y) {
            return Err(Error::shape(
                self.name(),
                format!("images of rank {} with channels that {groups} groups divide", d + 2),
                format!("{} and {}", show(&x.shape), show(&y.shape)),
            ));
        }
        let mut w = self.kernel.clone();
        w.extend([x.shape[d + 1] / groups, y.shape[d + 1]]);
        let g = self.windows.geometry(self.name(), &x.shape, &w)?;
        let made = self.windows.output(&g);
        match made == y.shape {
            true => Ok((g, w)),
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
}

impl Op for ConvKernelGrad {
    fn name(&self) -> &'static str {
        "conv_kernel_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, y] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::same_dtype(self.name(), x, y)?;
        let (_, w) = self.geometry(x, y)?;
        Ok(vec![Spec::new(w, x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (x, y) = (io.inputs[0], io.inputs[1]);
        let (g, _) = self.geometry(x.spec, y.spec)?;
        with_float!(x.spec.dtype, T => {
            let w = T::slice_mut(&mut io.outputs[0].data);
            kernel_grad::<T>(&g, x.slice(), Lines::Stored(y.slice()), w, io.scratch);
        });
        Ok(())
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

    /// The gradient of a pool of maxima that nobody else has asked for is made line by line, and
    /// never stored.
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let [x, y] = *inputs else {
            return Ok(None);
        };
        let Some((node, unpool)) = g.made_by::<Unpool>(y) else {
            return Ok(None);
        };
        let op = UnpoolKernelGrad {
            grad: self.clone(),
            unpool: unpool.clone(),
        };
        let asked = g.nodes.iter().any(|n| n.inputs.contains(&y));
        let (geometry, _) = self.geometry(g.spec(x), g.spec(y))?;
        if asked || !geometry.takes_lines() {
            return Ok(None);
        }
        let [argmax, dy] = g.nodes[node].inputs[..] else {
            return Ok(None);
        };
        Ok(Some(vec![g.push(op, &[x, argmax, dy])?]))
    }

    fn scratch(&self, inputs: &[&Spec]) -> usize {
        let g = self.geometry(inputs[0], inputs[1]);
        with_float!(inputs[0].dtype, T => g.map_or(0, |(g, _)| g.kernel_grad_scratch::<T>()))
    }
}

/// [`ConvKernelGrad`] of x and the images that [`Unpool`] would make, from (x, the inputs of that).
#[derive(Debug)]
struct UnpoolKernelGrad {
    grad: ConvKernelGrad,
    unpool: Unpool,
}

impl Op for UnpoolKernelGrad {
    fn name(&self) -> &'static str {
        "conv_kernel_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, argmax, dy] = check::count(self.name(), inputs)?;
        let y = self.unpool.shape(&[argmax, dy])?;
        self.grad.shape(&[x, &y[0]])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (x, argmax, dy) = (io.inputs[0], io.inputs[1].slice(), io.inputs[2]);
        let (g, _) = self.grad.geometry(x.spec, &self.unpool.images)?;
        let windows = self.unpool.windows()?;
        with_float!(x.spec.dtype, T => {
            let dy = dy.slice::<T>();
            let make = |lines: Range<usize>, out: &mut [T]| {
                unpool_lines(&windows, argmax, dy, lines, out);
            };
            let w = io.outputs[0].slice();
            kernel_grad::<T>(&g, x.slice(), Lines::Made(&make), w, io.scratch);
        });
        Ok(())
    }

    fn scratch(&self, inputs: &[&Spec]) -> usize {
        self.grad.scratch(&[inputs[0], &self.unpool.images])
    }
}
