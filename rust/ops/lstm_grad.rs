//! The gradients of `lstm` by x, h_0 and c_0, from its inputs, results, and the gradients by the states
//! and, where `by_carries`, by the carries.
//!
//! Back through the steps: `dc += dh sigmoid(o) (1 - tanh(c_t)^2)`; `di = dc tanh(g) i (1 - i)`,
//! `df = dc c_{t-1} f (1 - f)`, `dg = dc i (1 - tanh(g)^2)`, `do = dh tanh(c_t) o (1 - o)` with i, f, o the
//! sigmoid of the products; `dh = (di, df, dg, do) w^T`, `dc *= f`. It has no derivative.

use super::lstm::GATES;
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
pub struct LstmGrad {
    #[serde(flatten)]
    pub steps: Steps,
    pub by_carries: bool,
}

impl Op for LstmGrad {
    fn name(&self) -> &'static str {
        "lstm_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let steps = &self.steps;
        steps.gradients(self.name(), GATES, Own::Carry, inputs, self.by_carries)
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let LstmGrad { steps, by_carries } = self.clone();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let sequences = steps.sequences::<T>(Own::Carry, io.inputs);
            let seen = steps.seen(Own::Carry, io.inputs, by_carries);
            let [dx, dh, dc] = io.outputs else {
                unreachable!("lstm_grad has three outputs");
            };
            let out = Gradients {
                dx: dx.slice(),
                dpre: &mut [],
                dinitial: [dh.slice(), dc.slice()],
            };
            sequences.backward(&recurrence::Lstm, &seen, out);
            Ok(())
        })
        .into()))
    }
}
