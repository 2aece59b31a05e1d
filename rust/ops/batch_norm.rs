//! `y = gamma * h + beta`, `h = (x - mean) / sqrt(variance + epsilon)`, channel by channel; also gives
//! the mean and the biased variance over all but the last axis. The training form.
//!
//! `dx = (g - mean(g) - h * mean(g * h)) / sqrt(variance + epsilon)` with `g = dout * gamma`, plus
//! `(dmean + 2 (x - mean) dvariance) / n`; `dgamma = sum(dout * h)`, `dbeta = sum(dout)`.
//! x (..., C), gamma and beta (C). (Ioffe & Szegedy 2015.)

use super::build::Build;
use super::check;
use super::reduce::Reduction;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::map::Unary;
use crate::kernels::moments::{batch_norm, moments};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    epsilon: f64,
}

impl Op for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, gamma, beta] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::same_dtype(self.name(), x, gamma)?;
        check::same_dtype(self.name(), x, beta)?;
        check::ranked(self.name(), "x", x)?;
        let channels = &x.shape[x.rank() - 1..];
        check::same_shape(self.name(), channels, &gamma.shape)?;
        check::same_shape(self.name(), channels, &beta.shape)?;
        if x.shape[..x.rank() - 1].contains(&Size::ZERO) {
            return Err(Error::shape(
                self.name(),
                "at least one row",
                show(&x.shape),
            ));
        }
        let statistic = Spec::new(channels, x.dtype);
        Ok(vec![x.clone(), statistic.clone(), statistic])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (x, gamma) = (b.inputs[0], b.inputs[1]);
        let (mean, variance) = (b.outputs[1], b.outputs[2]);
        let spec = b.spec(x);
        let lead: Vec<usize> = (0..spec.rank() - 1).collect();
        let share = 1.0
            / spec.shape[..spec.rank() - 1]
                .iter()
                .product::<Size>()
                .as_f64();
        let (douts, g) = (b.douts.clone(), &mut *b.graph);

        let centred = g.sub(x, mean)?;
        let mut parts = Vec::new();
        let (mut dgamma, mut dbeta) = (None, None);
        if let Some(dout) = douts[0] {
            let product = g.mul(dout, centred)?;
            let sum_dout_centred = g.reduce(Reduction::Sum, product, &lead, false)?; // (C)
            let sum_dout = g.reduce(Reduction::Sum, dout, &lead, false)?; // (C)
            let inverse = self.inverse(g, variance)?; // (C)
            let sum_dout_h = g.mul(sum_dout_centred, inverse)?; // (C)
                                                                // dx = scale * (dout - mean(dout) - (x - mean) * slope), its terms per channel put
                                                                // together: two products and two sums an element.
            let mean_dout = g.scale(sum_dout, share)?;
            let slope = g.mul(sum_dout_h, inverse)?;
            let slope = g.scale(slope, share)?;
            let scale = g.mul(gamma, inverse)?;
            let shift = g.mul(slope, mean)?;
            let shift = g.sub(shift, mean_dout)?;
            let shift = g.mul(scale, shift)?;
            let slope = g.mul(scale, slope)?;
            let slope = g.neg(slope)?;
            let along = g.mul(x, slope)?;
            let along = g.add(along, shift)?;
            let through = g.mul(dout, scale)?;
            parts.push(g.add(through, along)?);
            (dgamma, dbeta) = (Some(sum_dout_h), Some(sum_dout));
        }
        if let Some(dmean) = douts[1] {
            let share = g.scale(dmean, share)?;
            parts.push(g.broadcast_to(share, &spec.shape)?);
        }
        if let Some(dvariance) = douts[2] {
            let share = g.scale(dvariance, 2.0 * share)?;
            parts.push(g.mul(centred, share)?);
        }
        let mut dx = parts[0];
        for part in &parts[1..] {
            dx = g.add(dx, *part)?;
        }
        Ok(vec![Some(dx), dgamma, dbeta])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let epsilon = self.epsilon;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let [y, mean, variance] = io.outputs else {
                unreachable!("batch_norm has three outputs");
            };
            let (x, gamma, beta) = (io.inputs[0].slice(), io.inputs[1].slice(), io.inputs[2].slice());
            let (mean, variance) = (mean.slice(), variance.slice());
            moments::<T>(x, mean, variance);
            let epsilon = <T as Number>::from_f64(epsilon);
            batch_norm(x, (mean, variance, epsilon), gamma, beta, y.slice());
            Ok(())
        })
        .into()))
    }
}

impl BatchNorm {
    /// `1 / sqrt(variance + epsilon)`
    pub fn inverse(&self, g: &mut Graph, variance: Value) -> Result<Value> {
        let shifted = g.offset(variance, self.epsilon)?;
        g.unary(Unary::Rsqrt, shifted)
    }
}
