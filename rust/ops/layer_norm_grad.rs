//! `dx` of `layer_norm`, and `dout * h`, from (x, gamma, dout).
//!
//! `dx = s P(dout gamma)`, `s = 1 / sqrt(variance + epsilon)`, `h = (x - mean) s` and
//! `P(a) = a - mean(a) - h mean(a h)`, which is symmetric. With `u` and `v` the gradients by the two:
//! `ddout = gamma s P(u) + v h`; `dgamma = sum(dout s P(u))` over the leading axes; by x, with
//! `g = dout gamma`, `s P(v dout - s (u mean(g h) + g mean(u h))) - s h mean(u dx)`, through h and through s.
//!
//! x and dout of one shape, as both results; gamma has the shape of the normalised axes.
//! (Ba, Kiros & Hinton 2016, differentiated once more.)

use super::build::Build;
use super::check;
use super::layer_norm::LayerNorm;
use super::reduce::Reduction;
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::map::Unary;
use crate::kernels::normalise::layer_norm_grad;
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerNormGrad(pub LayerNorm);

impl LayerNormGrad {
    fn mean(&self, g: &mut Graph, x: Value) -> Result<Value> {
        g.reduce(Reduction::Mean, x, &self.0.axes, true)
    }

    /// `mean(a b)`
    fn mean_of(&self, g: &mut Graph, a: Value, b: Value) -> Result<Value> {
        let product = g.mul(a, b)?;
        self.mean(g, product)
    }

    /// `a - mean(a) - h mean(a h)`
    fn project(&self, g: &mut Graph, a: Value, h: Value) -> Result<Value> {
        let mean = self.mean(g, a)?;
        let along = self.mean_of(g, a, h)?;
        let along = g.mul(h, along)?;
        let rest = g.sub(a, mean)?;
        g.sub(rest, along)
    }
}

impl Op for LayerNormGrad {
    fn name(&self) -> &'static str {
        "layer_norm_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, gamma, dout] = check::count(self.name(), inputs)?;
        let y = self.0.shape(&[x, gamma, gamma]);
        y.map_err(|e| e.of_op(self.name()))?;
        check::same_dtype(self.name(), x, dout)?;
        check::same_shape(self.name(), &x.shape, &dout.shape)?;
        Ok(vec![x.clone(), x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let (x, gamma, dout) = (b.inputs[0], b.inputs[1], b.inputs[2]);
        let (dx, u, v) = (b.outputs[0], b.douts[0], b.douts[1]);
        let lead: Vec<usize> = (0..b.spec(x).rank() - self.0.axes.len()).collect();
        let g = &mut *b.graph;
        let mean = self.mean(g, x)?;
        let centred = g.sub(x, mean)?;
        let variance = self.mean_of(g, centred, centred)?;
        let shifted = g.offset(variance, self.0.epsilon)?;
        let s = g.unary(Unary::Rsqrt, shifted)?;
        let h = g.mul(centred, s)?;

        // By h, by dout and by gamma: what flows through v, then what flows through u.
        let mut by_h = v.map(|v| g.mul(v, dout)).transpose()?;
        let mut by_dout = v.map(|v| g.mul(v, h)).transpose()?;
        let mut by_gamma = None;
        if let Some(u) = u {
            let flow = self.project(g, u, h)?;
            let flow = g.mul(s, flow)?;
            let part = g.mul(gamma, flow)?;
            by_dout = Some(match by_dout {
                Some(sum) => g.add(part, sum)?,
                None => part,
            });
            let part = g.mul(dout, flow)?;
            by_gamma = Some(g.reduce(Reduction::Sum, part, &lead, false)?);

            let scaled = g.mul(dout, gamma)?;
            let (mean_gh, mean_uh) = (self.mean_of(g, scaled, h)?, self.mean_of(g, u, h)?);
            let (along_u, along_g) = (g.mul(u, mean_gh)?, g.mul(scaled, mean_uh)?);
            let part = g.add(along_u, along_g)?;
            let part = g.mul(s, part)?;
            by_h = Some(match by_h {
                Some(sum) => g.sub(sum, part)?,
                None => g.neg(part)?,
            });
        }
        let mut by_x = None;
        if let Some(by_h) = by_h {
            let flow = self.project(g, by_h, h)?;
            by_x = Some(g.mul(s, flow)?);
        }
        if let (Some(u), Some(through_h)) = (u, by_x) {
            let mean = self.mean_of(g, u, dx)?;
            let mean = g.mul(s, mean)?;
            let through_s = g.mul(h, mean)?;
            by_x = Some(g.sub(through_h, through_s)?);
        }
        Ok(vec![by_x, by_gamma, by_dout])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let epsilon = self.0.epsilon;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, gamma, dout) = (io.inputs[0].slice(), io.inputs[1].slice(), io.inputs[2].slice());
            let (dx, dh) = io.outputs.split_at_mut(1);
            let epsilon = <T as Number>::from_f64(epsilon);
            layer_norm_grad::<T>(x, gamma, dout, epsilon, dx[0].slice(), dh[0].slice());
            Ok(())
        })
        .into()))
    }
}
