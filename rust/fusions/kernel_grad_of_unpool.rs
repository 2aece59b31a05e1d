//! The gradient by a convolution's kernel from images that max unpooling makes: line by line, so that
//! they are never stored.

use super::pool_argmax::Unpool;
use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::kernels::conv::{kernel_grad, Lines};
use crate::kernels::pool::unpool_lines;
use crate::ops::check;
use crate::ops::conv_kernel_grad::ConvKernelGrad;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::Serialize;
use std::ops::Range;

pub const FUSION: Fusion = Fusion {
    name: "kernel_grad_of_unpool",
    pattern,
    fuse,
};

fn pattern(graph: &Graph, node: &Node) -> bool {
    node.op::<ConvKernelGrad>().is_some() && graph.made_by::<Unpool>(node.inputs[1]).is_some()
}

fn fuse(site: &mut Site) -> Result<Found> {
    let (g, node) = (&mut *site.graph, &site.node);
    let (x, y) = (node.inputs[0], node.inputs[1]);
    let (Some(grad), Some((made, unpool))) = (node.op(), g.made_by::<Unpool>(y)) else {
        return Ok(Found::Refused("the unpooled images have gone".into()));
    };
    let grad: &ConvKernelGrad = grad;
    if (site.readers)(y) > 1 {
        return Ok(Found::Refused(
            "the unpooled images are read elsewhere too".into(),
        ));
    }
    if !grad.geometry(g.spec(x), g.spec(y))?.takes_lines() {
        return Ok(Found::Refused(
            "a depthwise convolution takes no lines".into(),
        ));
    }
    let (argmax, dy) = (g.nodes[made].inputs[0], g.nodes[made].inputs[1]);
    let op = UnpoolKernelGrad {
        grad: grad.clone(),
        unpool: unpool.clone(),
    };
    Ok(Found::Fused(vec![g.push(op, &[x, argmax, dy])?]))
}

/// [`ConvKernelGrad`] of x and the images that [`Unpool`] would make, from (x, the inputs of that).
#[derive(Clone, Debug, Serialize)]
struct UnpoolKernelGrad {
    grad: ConvKernelGrad,
    unpool: Unpool,
}

impl Op for UnpoolKernelGrad {
    fn name(&self) -> &'static str {
        "conv_kernel_grad_of_unpool"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, argmax, dy] = check::count(self.name(), inputs)?;
        let y = self.unpool.shape(&[argmax, dy])?;
        self.grad.shape(&[x, &y[0]])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let g = self.grad.geometry(inputs[0], &self.unpool.images)?;
        let windows = self.unpool.windows()?;
        Ok(with_float!(inputs[0].dtype, T => {
            let scratch = g.kernel_grad_scratch::<T>();
            let kernel = Kernel::new(move |io| {
                let (argmax, dy) = (io.inputs[1].slice(), io.inputs[2].slice::<T>());
                let make = |lines: Range<usize>, out: &mut [T]| {
                    unpool_lines(&windows, argmax, dy, lines, out);
                };
                let w = io.outputs[0].slice();
                kernel_grad::<T>(&g, io.inputs[0].slice(), Lines::Made(&make), w, io.scratch);
                Ok(())
            });
            kernel.with_scratch(scratch).into()
        }))
    }
}
