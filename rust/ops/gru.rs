//! `h_t = z h + (1 - z) tanh(x_n + r p_n)` for every step t, with `z = sigmoid(x_z + p_z)`,
//! `r = sigmoid(x_r + p_r)`, the products `p = b + h w`, and h the state of the step before: all states.
//!
//! `dx`, `dp` and `dh_0`: the op `gru_grad`; `dw = sum over t of h_{t-1}^T dp_t`, `db = ` the sums of dp.
//! x (N, T, 3 H) of gates z, r, n, w (H, 3 H), h_0 (N, H), b (3 H), a mask (N, T) if there is
//! one; the result (N, T, H). (Cho et al. 2014, the reset gate after the product.)

use super::gru_grad::GruGrad;
use super::recurrent::{kept, Own, Steps};
use super::reduce::Reduction;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::recurrence;
use crate::ops::build::Build;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub const GATES: usize = 3;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gru {
    #[serde(flatten)]
    pub steps: Steps,
}

impl Op for Gru {
    fn name(&self) -> &'static str {
        "gru"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        self.steps.shape(self.name(), GATES, Own::Bias, inputs)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dstates = b.dout(self.name())?;
        let states = b.outputs[0];
        let g = &mut *b.graph;
        let op = GruGrad {
            steps: self.steps.clone(),
        };
        let mut inputs = b.inputs.clone();
        inputs.extend([states, dstates]);
        let [dx, dpre, dh] = g.push_node(Arc::new(op), &inputs)?[..] else {
            unreachable!("gru_grad has three outputs");
        };
        let dw = match b.wanted[1] {
            true => Some(self.steps.by_weights(g, &b.inputs, states, dpre)?),
            false => None,
        };
        let db = match b.wanted[3] {
            true => Some(g.reduce(Reduction::Sum, dpre, &[0, 1], false)?),
            false => None,
        };
        let mut gradients = vec![Some(dx), dw, Some(dh), db];
        gradients.resize(b.inputs.len(), None);
        Ok(gradients)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let steps = self.steps.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let sequences = steps.sequences::<T>(Own::Bias, io.inputs);
            let (states, more) = io.outputs.split_at_mut(1);
            let all = [states[0].slice(), &mut []];
            sequences.forward(&recurrence::Gru, all, kept(more, 0));
            Ok(())
        })
        .into()))
    }
}
