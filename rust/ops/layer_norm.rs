//! `y = gamma * h + beta`, `h = (x - mean) / sqrt(variance + epsilon)` over the trailing `axes`.
//!
//! `dx = (g - mean(g) - h * mean(g * h)) / sqrt(variance + epsilon)` with `g = dout * gamma`;
//! `dgamma = sum(dout * h)`, `dbeta = sum(dout)` over the leading axes. gamma and beta have the shape
//! of the normalised axes; the variance is the biased one. (Ba, Kiros & Hinton 2016.)

use super::build::Build;
use super::check;
use super::layer_norm_grad::LayerNormGrad;
use super::reduce::Reduction;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::normalise::layer_norm;
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNorm {
    pub epsilon: f64,
    pub axes: Vec<usize>,
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, gamma, beta] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::same_dtype(self.name(), x, gamma)?;
        check::same_dtype(self.name(), x, beta)?;
        let lead = x.rank().saturating_sub(self.axes.len());
        if self.axes.is_empty() || self.axes != (lead..x.rank()).collect::<Vec<_>>() {
            return Err(Error::shape(
                self.name(),
                format!("the last axes of {}", show(&x.shape)),
                show(&self.axes),
            ));
        }
        check::same_shape(self.name(), &x.shape[lead..], &gamma.shape)?;
        check::same_shape(self.name(), &x.shape[lead..], &beta.shape)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, gamma) = (b.inputs[0], b.inputs[1]);
        let lead: Vec<usize> = (0..b.spec(x).rank() - self.axes.len()).collect();
        let op = LayerNormGrad(self.clone());
        let outputs = b.graph.push_node(Arc::new(op), &[x, gamma, dout])?;
        let dgamma = b.graph.reduce(Reduction::Sum, outputs[1], &lead, false)?;
        let dbeta = b.graph.reduce(Reduction::Sum, dout, &lead, false)?;
        Ok(vec![Some(outputs[0]), Some(dgamma), Some(dbeta)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let epsilon = self.epsilon;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, gamma, beta) = (io.inputs[0].slice(), io.inputs[1].slice(), io.inputs[2].slice());
            layer_norm::<T>(x, gamma, beta, <T as Number>::from_f64(epsilon), io.outputs[0].slice());
            Ok(())
        })
        .into()))
    }
}
