//! `h_t = f(x_t + h w)` for every step t, h the state of the step before: all states. `f` one of linear,
//! relu, sigmoid, tanh.
//!
//! `dx` and `dh_0`: the op `simple_rnn_grad`; `dw = sum over t of h_{t-1}^T dx_t`. x (N, T, H), w (H, H),
//! h_0 (N, H), a mask (N, T) if there is one; the result (N, T, H). (Elman 1990.)

use super::named;
use super::recurrent::{kept, Own, Steps};
use super::simple_rnn_grad::SimpleRnnGrad;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::epilogue::Activation;
use crate::kernels::recurrence;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimpleRnn {
    #[serde(flatten)]
    pub steps: Steps,
    #[serde(with = "named")]
    pub activation: Activation,
}

impl Op for SimpleRnn {
    fn name(&self) -> &'static str {
        "simple_rnn"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        self.steps.shape(self.name(), 1, Own::Nothing, inputs)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dstates = b.dout(self.name())?;
        let states = b.outputs[0];
        let g = &mut *b.graph;
        let mut inputs = b.inputs.clone();
        inputs.extend([states, dstates]);
        let op = SimpleRnnGrad(self.clone());
        let [dx, dh] = g.push_node(Arc::new(op), &inputs)?[..] else {
            unreachable!("simple_rnn_grad has two outputs");
        };
        let dw = match b.wanted[1] {
            true => Some(self.steps.by_weights(g, &b.inputs, states, dx)?),
            false => None,
        };
        let mut gradients = vec![Some(dx), dw, Some(dh)];
        gradients.resize(b.inputs.len(), None);
        Ok(gradients)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let SimpleRnn { steps, activation } = self.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let sequences = steps.sequences::<T>(Own::Nothing, io.inputs);
            let cell = recurrence::Simple(activation);
            let (states, more) = io.outputs.split_at_mut(1);
            let all = [states[0].slice(), &mut []];
            sequences.forward(&cell, all, kept(more, 0));
            Ok(())
        })
        .into()))
    }
}
