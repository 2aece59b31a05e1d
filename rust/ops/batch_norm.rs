//! `y = gamma * h + beta`, `h = (x - mean) / sqrt(variance + epsilon)`, channel by channel; also gives
//! the mean and the biased variance over all but the last axis. The training form.
//!
//! `dx = (g - mean(g) - h * mean(g * h)) / sqrt(variance + epsilon)` with `g = dout * gamma`, plus
//! `(dmean + 2 (x - mean) dvariance) / n`; `dgamma = sum(dout * h)`, `dbeta = sum(dout)`.
//! x (..., C), gamma and beta (C). (Ioffe & Szegedy 2015.)

use super::build::Build;
use super::check;
use super::reduce::Reduction;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::map::Unary;
use crate::kernels::normalise::batch_norm;
use crate::kernels::number::Number;
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct BatchNorm {
    epsilon: f64,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(BatchNorm {
        epsilon: r.float("epsilon")?,
    }))
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
        if x.shape[..x.rank() - 1].contains(&0) {
            return Err(Error::shape(self.name(), "at least one row", show(&x.shape)));
        }
        let statistic = Spec::new(channels, x.dtype);
        Ok(vec![x.clone(), statistic.clone(), statistic])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (y, statistics) = io.outputs.split_at_mut(1);
        let (mean, variance) = statistics.split_at_mut(1);
        with_float!(io.inputs[0].spec.dtype, T => {
            batch_norm::<T>(
                io.inputs[0].slice(),
                io.inputs[1].slice(),
                io.inputs[2].slice(),
                <T as Number>::from_f64(self.epsilon),
                T::slice_mut(&mut y[0].data),
                T::slice_mut(&mut mean[0].data),
                T::slice_mut(&mut variance[0].data),
            );
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (x, gamma) = (b.inputs[0], b.inputs[1]);
        let (mean, variance) = (b.outputs[1], b.outputs[2]);
        let spec = b.spec(x);
        let lead: Vec<usize> = (0..spec.rank() - 1).collect();
        let rows: usize = spec.shape[..spec.rank() - 1].iter().product();
        let (douts, g) = (b.douts.clone(), &mut *b.graph);

        let centred = g.sub(x, mean)?;
        let mut parts = Vec::new();
        let (mut dgamma, mut dbeta) = (None, None);
        if let Some(dout) = douts[0] {
            let shifted = g.offset(variance, self.epsilon)?;
            let inverse = g.unary(Unary::Rsqrt, shifted)?;
            let h = g.mul(centred, inverse)?;
            let product = g.mul(dout, h)?;
            let sum_dout_h = g.reduce(Reduction::Sum, product, &lead, false)?;
            let sum_dout = g.reduce(Reduction::Sum, dout, &lead, false)?;
            // dx = gamma / deviation * (dout - mean(dout) - h * mean(dout * h))
            let mean_dout = g.scale(sum_dout, 1.0 / rows as f64)?;
            let mean_dout_h = g.scale(sum_dout_h, 1.0 / rows as f64)?;
            let along = g.mul(h, mean_dout_h)?;
            let rest = g.sub(dout, mean_dout)?;
            let rest = g.sub(rest, along)?;
            let scale = g.mul(gamma, inverse)?;
            parts.push(g.mul(rest, scale)?);
            (dgamma, dbeta) = (Some(sum_dout_h), Some(sum_dout));
        }
        if let Some(dmean) = douts[1] {
            let share = g.scale(dmean, 1.0 / rows as f64)?;
            parts.push(g.broadcast_to(share, &spec.shape)?);
        }
        if let Some(dvariance) = douts[2] {
            let share = g.scale(dvariance, 2.0 / rows as f64)?;
            parts.push(g.mul(centred, share)?);
        }
        let mut dx = parts[0];
        for part in &parts[1..] {
            dx = g.add(dx, *part)?;
        }
        Ok(vec![Some(dx), dgamma, dbeta])
    }
}
