//! `y = -(t log p + (1 - t) log(1 - p))`, element by element.
//!
//! From logits `p = sigmoid(x)`, computed as `relu(x) - x t + log1p(exp(-|x|))`:
//! `dx = dout * (sigmoid(x) - t)`, `dt = -dout * x`. Else `p = clip(x, epsilon, 1 - epsilon)`:
//! `dx = dout * ((1 - t) / (1 - p) - t / p)` inside the clip, `dt = dout * (log(1 - p) - log p)`.
//! All of one shape and float dtype.

use super::build::Build;
use super::check;
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::float::Float;
use crate::kernels::map::{map2, Binary, Compare, Unary};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::tensor::{DType, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryCrossEntropy {
    from_logits: bool,
    epsilon: f64,
}

impl BinaryCrossEntropy {
    fn bounds(&self, g: &mut Graph, dtype: DType) -> Result<(Value, Value)> {
        let low = g.scalar(self.epsilon, dtype);
        let one = g.scalar(1.0, dtype);
        Ok((low, g.sub(one, low)?))
    }
}

/// `softplus(x) - x t`; of an infinite logit 0 where it is right, else infinity.
#[inline(always)]
fn of_logit<T: Float + Number>(x: T, t: T) -> T {
    let (zero, one) = (<T as Number>::ZERO, <T as Number>::ONE);
    let wrong = if x > zero { one - t } else { t };
    let far = if wrong == zero {
        zero
    } else {
        Number::abs(x) * wrong
    };
    let near = Float::softplus(x) - x * t;
    if Number::abs(x) == <T as Number>::from_f64(f64::INFINITY) {
        far
    } else {
        near
    }
}

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, t] = check::count(self.name(), inputs)?;
        check::float(self.name(), "pred", x)?;
        check::same_dtype(self.name(), x, t)?;
        check::same_shape(self.name(), &x.shape, &t.shape)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, t) = (b.inputs[0], b.inputs[1]);
        let dtype = b.spec(x).dtype;
        let want_t = b.wanted[1];
        let g = &mut *b.graph;
        if self.from_logits {
            let p = g.unary(Unary::Sigmoid, x)?;
            let slope = g.sub(p, t)?;
            let dx = g.mul(dout, slope)?;
            let dt = g.mul(dout, x)?;
            return Ok(vec![Some(dx), Some(g.neg(dt)?)]);
        }
        let (low, high) = self.bounds(g, dtype)?;
        let (zero, one) = (g.scalar(0.0, dtype), g.scalar(1.0, dtype));
        let p = g.binary(Binary::Maximum, x, low)?;
        let p = g.binary(Binary::Minimum, p, high)?;
        let (rest_p, rest_t) = (g.sub(one, p)?, g.sub(one, t)?);
        let (miss, hit) = (g.div(rest_t, rest_p)?, g.div(t, p)?);
        let slope = g.sub(miss, hit)?;
        let inside = g.compare(Compare::Eq, p, x)?;
        let slope = g.select(inside, slope, zero)?;
        let dx = g.mul(dout, slope)?;
        let dt = match want_t {
            false => None,
            true => {
                let (miss, hit) = (g.unary(Unary::Log, rest_p)?, g.unary(Unary::Log, p)?);
                let slope = g.sub(miss, hit)?;
                Some(g.mul(dout, slope)?)
            }
        };
        Ok(vec![Some(dx), dt])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let BinaryCrossEntropy {
            from_logits,
            epsilon,
        } = *self;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, t) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let out = io.outputs[0].slice();
            if from_logits {
                map2(x, t, out, #[inline(always)] |x: T, t: T| of_logit(x, t));
            } else {
                let low = <T as Number>::from_f64(epsilon);
                let one = <T as Number>::ONE;
                let high = one - low;
                map2(x, t, out, #[inline(always)] |x: T, t: T| {
                    let p = Number::minimum(Number::maximum(x, low), high);
                    -(t * Float::log(p) + (one - t) * Float::log(one - p))
                });
            }
            Ok(())
        })
        .into()))
    }
}
