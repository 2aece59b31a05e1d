//! The gradients of `simple_rnn` by x and h_0, from its inputs, states, and the gradient by the states.
//!
//! Back through the steps: `dx_t = dh f'(x_t + h w)`, `dh = dx_t w^T`. It has no derivative.

use super::recurrent::Own;
use super::simple_rnn::SimpleRnn;
use crate::error::Result;
use crate::graph::Op;
use crate::kernels::recurrence::{self, Gradients};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimpleRnnGrad(pub SimpleRnn);

impl Op for SimpleRnnGrad {
    fn name(&self) -> &'static str {
        "simple_rnn_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let steps = &self.0.steps;
        steps.gradients(self.name(), 1, Own::Nothing, inputs, false)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let SimpleRnn { steps, activation } = self.0.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let sequences = steps.sequences::<T>(Own::Nothing, io.inputs);
            let seen = steps.seen(Own::Nothing, io.inputs, false);
            let [dx, dh] = io.outputs else {
                unreachable!("simple_rnn_grad has two outputs");
            };
            let out = Gradients {
                dx: dx.slice(),
                dpre: &mut [],
                dinitial: [dh.slice(), &mut []],
            };
            sequences.backward(&recurrence::Simple(activation), &seen, out);
            Ok(())
        })
        .into()))
    }
}
