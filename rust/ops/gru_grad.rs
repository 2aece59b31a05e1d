//! The gradients of `gru` by x, by its products and by h_0, from its inputs, states, and the gradient by
//! the states.
//!
//! Back through the steps, with z, r and the candidate n: `dn = dh (1 - z) (1 - n^2)`,
//! `dz = dh (h - n) z (1 - z)`, `dr = dn p_n r (1 - r)`; by x (dz, dr, dn), by the products
//! `dp = (dz, dr, dn r)`; `dh = dh z + dp w^T`. It has no derivative.

use super::gru::GATES;
use super::recurrent::{Own, Steps};
use crate::error::Result;
use crate::graph::Op;
use crate::kernels::recurrence::{self, Gradients};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GruGrad {
    #[serde(flatten)]
    pub steps: Steps,
}

impl Op for GruGrad {
    fn name(&self) -> &'static str {
        "gru_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let steps = &self.steps;
        steps.gradients(self.name(), GATES, Own::Bias, inputs, false)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let steps = self.steps.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let sequences = steps.sequences::<T>(Own::Bias, io.inputs);
            let seen = steps.seen(Own::Bias, io.inputs, false);
            let [dx, dpre, dh] = io.outputs else {
                unreachable!("gru_grad has three outputs");
            };
            let out = Gradients {
                dx: dx.slice(),
                dpre: dpre.slice(),
                dinitial: [dh.slice(), &mut []],
            };
            sequences.backward(&recurrence::Gru, &seen, out);
            Ok(())
        })
        .into()))
    }
}
