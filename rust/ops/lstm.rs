//! `c_t = sigmoid(f) c + sigmoid(i) tanh(g)`, `h_t = sigmoid(o) tanh(c_t)` for every step t, with
//! `(i, f, g, o) = x_t + h w`, and h, c those of the step before: all states and all carries.
//!
//! `dx`, `dh_0` and `dc_0`: the op `lstm_grad`; `dw = sum over t of h_{t-1}^T dx_t`. x (N, T, 4 H), w (H, 4 H),
//! h_0 and c_0 (N, H), a mask (N, T) if there is one; both results (N, T, H).
//! (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000.)

use super::lstm_grad::LstmGrad;
use super::recurrent::{kept, Own, Steps};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::recurrence;
use crate::ops::build::Build;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const GATES: usize = 4;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    #[serde(flatten)]
    pub steps: Steps,
}

impl Op for Lstm {
    fn name(&self) -> &'static str {
        "lstm"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        self.steps.shape(self.name(), GATES, Own::Carry, inputs)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (states, dcarries) = (b.outputs[0], b.douts[1]);
        let g = &mut *b.graph;
        let dstates = match b.douts[0] {
            Some(dstates) => dstates,
            None => g.zeros_like(states)?,
        };
        let op = LstmGrad {
            steps: self.steps.clone(),
            by_carries: dcarries.is_some(),
        };
        let mut inputs = b.inputs.clone();
        inputs.extend([states, b.outputs[1], dstates]);
        inputs.extend(dcarries);
        let [dx, dh, dc] = g.push_node(Arc::new(op), &inputs)?[..] else {
            unreachable!("lstm_grad has three outputs");
        };
        let dw = match b.wanted[1] {
            true => Some(self.steps.by_weights(g, &b.inputs, states, dx)?),
            false => None,
        };
        let mut gradients = vec![Some(dx), dw, Some(dh), Some(dc)];
        gradients.resize(b.inputs.len(), None);
        Ok(gradients)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let steps = self.steps.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let sequences = steps.sequences::<T>(Own::Carry, io.inputs);
            let (states, more) = io.outputs.split_at_mut(1);
            let (carries, more) = more.split_at_mut(1);
            let all = [states[0].slice(), carries[0].slice()];
            sequences.forward(&recurrence::Lstm, all, kept(more, 0));
            Ok(())
        })
        .into()))
    }
}
