//! The gradient of `ctc_loss` by its logits, from its inputs and `dout`: `dout (softmax(logits) - g)`,
//! where `g[t, c]` is the share of the target's alignments that are in class `c` at frame `t`.
//!
//! dout (N) as the losses; y as logits. The errors of `ctc_loss`. It has no derivative.

use super::check;
use super::ctc_loss::CtcLoss;
use crate::error::Result;
use crate::graph::Op;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CtcLossGrad(pub CtcLoss);

impl Op for CtcLossGrad {
    fn name(&self) -> &'static str {
        "ctc_loss_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [logits, target, target_length, output_length, dout] =
            check::count(self.name(), inputs)?;
        let losses = [logits, target, target_length, output_length];
        let losses = self.0.losses(self.name(), losses)?;
        check::same_dtype(self.name(), logits, dout)?;
        check::same_shape(self.name(), &losses.shape, &dout.shape)?;
        Ok(vec![logits.clone()])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (name, op) = (self.name(), self.0.clone());
        let size: usize = inputs[0].dims()[1..].iter().product();
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let grads = io.outputs[0].slice::<T>();
            op.compute::<T>(name, io.inputs, Some(&mut *grads))?;
            let dout = io.inputs[4].slice::<T>();
            for (grad, dout) in grads.chunks_mut(size.max(1)).zip(dout) {
                grad.iter_mut().for_each(|g| *g *= *dout);
            }
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
