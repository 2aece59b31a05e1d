//! The loss and its gradient in one pass over the alignments, where both are wanted: the gradient for a
//! `dout` of 1, times `dout`, which is what the op of the gradient computes.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::ops::build::Build;
use crate::ops::ctc_loss::{store, CtcLoss};
use crate::ops::ctc_loss_grad::CtcLossGrad;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::Spec;
use crate::with_float;
use serde::Serialize;

pub const FUSION: Fusion = Fusion {
    name: "ctc_loss_with_grad",
    pattern,
    fuse,
};

/// The node that makes the losses of which this one makes the gradient.
fn losses_of(graph: &Graph, node: &Node) -> Option<usize> {
    let CtcLossGrad(loss) = node.op()?;
    graph.nodes.iter().position(|other| {
        let op = other.op::<CtcLoss>();
        let op = op.or_else(|| other.op::<CtcLossWithGrad>().map(|both| &both.0));
        op == Some(loss) && other.inputs == node.inputs[..4]
    })
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    losses_of(graph, node).is_some()
}

fn fuse(site: &mut Site) -> Result<Found> {
    let (Some(made), Some(CtcLossGrad(loss))) = (
        losses_of(site.graph, &site.node),
        site.node.op::<CtcLossGrad>(),
    ) else {
        return Ok(Found::Refused("nothing before it reads the loss".into()));
    };
    let (loss, dout) = (loss.clone(), site.node.inputs[4]);
    let grad = site.replace(made, CtcLossWithGrad(loss))?[1];
    let rows = site.graph.spec(dout).shape[0];
    let dout = site.graph.reshape(dout, &[rows, Size::ONE, Size::ONE])?;
    Ok(Found::Fused(vec![site.graph.mul(grad, dout)?]))
}

/// `ctc_loss`, and its gradient by the logits for a `dout` of 1.
#[derive(Clone, Debug, Serialize)]
struct CtcLossWithGrad(CtcLoss);

impl Op for CtcLossWithGrad {
    fn name(&self) -> &'static str {
        "ctc_loss_with_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let mut outputs = self.0.shape(inputs)?;
        outputs.push(inputs[0].clone());
        Ok(outputs)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let op = self.0.clone();
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (losses, grads) = io.outputs.split_at_mut(1);
            let found = op.compute::<T>(op.name(), io.inputs, Some(grads[0].slice()))?;
            store::<T>(&found, losses[0].slice());
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
