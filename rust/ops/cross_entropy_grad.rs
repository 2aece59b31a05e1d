//! `y`, the gradient of each row's `cross_entropy` by its predictions, times `dout`.
//!
//! From logits `y = dout (p T - t)`, `p = softmax(pred)`, `T = sum(t)`. With `u` the gradient by `y` and
//! `m = sum(u p)`: `dpred = dout T p (u - m)`, `dt = dout (m - u)`, `ddout = sum(u (p T - t))`.
//! Else `y = dout (M / s - c t / pred)`, `s = sum(pred)`, `c` 1 where `pred / s` lies inside the clip,
//! `M = sum(c t)`: `dpred = dout (c t u / pred^2 - M sum(u) / s^2)`, `dt = dout c (sum(u) / s - u / pred)`,
//! `ddout = M sum(u) / s - sum(c t u / pred)`.
//!
//! pred and target as `cross_entropy` takes them, dout as its result; y as pred. A label outside [0, C)
//! is a `DataError`.

use super::build::Build;
use super::check;
use super::cross_entropy::{by_rows, CrossEntropy};
use super::one_hot::OneHot;
use super::reduce::Reduction;
use super::softmax::Softmax;
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::cross_entropy::cross_entropy_grad;
use crate::kernels::map::Compare;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CrossEntropyGrad(pub CrossEntropy);

/// The rows of the forward op with one gradient each: pred and t (..., C), dout (..., 1).
struct Rows {
    pred: Value,
    t: Value,
    dout: Value,
    last: usize,
}

impl CrossEntropyGrad {
    /// The gradients by pred, t and dout from that by y.
    fn of_logits(g: &mut Graph, rows: &Rows, u: Value) -> Result<[Value; 3]> {
        let Rows {
            pred,
            t,
            dout,
            last,
        } = *rows;
        let p = g.push(Softmax { axis: last }, &[pred])?;
        let total = g.reduce(Reduction::Sum, t, &[last], true)?; // (..., 1)
        let product = g.mul(u, p)?;
        let mean = g.reduce(Reduction::Sum, product, &[last], true)?; // (..., 1)
        let centred = g.sub(u, mean)?;
        let scale = g.mul(dout, total)?;
        let dpred = g.mul(p, centred)?;
        let dpred = g.mul(dpred, scale)?;
        let dt = g.mul(dout, centred)?;
        let dt = g.neg(dt)?;
        let slope = g.mul(p, total)?;
        let slope = g.sub(slope, t)?;
        let slope = g.mul(u, slope)?;
        let ddout = g.reduce(Reduction::Sum, slope, &[last], true)?;
        Ok([dpred, dt, ddout])
    }

    /// As [`CrossEntropyGrad::of_logits`].
    fn of_probabilities(&self, g: &mut Graph, rows: &Rows, u: Value) -> Result<[Value; 3]> {
        let Rows {
            pred,
            t,
            dout,
            last,
        } = *rows;
        let dtype = g.spec(pred).dtype;
        let (zero, one) = (g.scalar(0.0, dtype), g.scalar(1.0, dtype));
        let s = g.reduce(Reduction::Sum, pred, &[last], true)?; // (..., 1)
        let share = g.div(pred, s)?;
        let clipped = self.0.clip(g, share)?;
        let inside = g.compare(Compare::Eq, clipped, share)?;
        let kept = g.select(inside, t, zero)?; // c t
        let x = g.select(inside, pred, one)?;
        let m = g.reduce(Reduction::Sum, kept, &[last], true)?; // (..., 1)
        let sum_u = g.reduce(Reduction::Sum, u, &[last], true)?; // (..., 1)
        let mean = g.div(sum_u, s)?;
        let along = g.div(u, x)?;
        let weighed = g.mul(kept, along)?; // c t u / pred

        let own = g.div(weighed, x)?;
        let all = g.mul(m, mean)?;
        let rest = g.div(all, s)?;
        let dpred = g.sub(own, rest)?;
        let dpred = g.mul(dout, dpred)?;
        let dt = g.sub(mean, along)?;
        let dt = g.select(inside, dt, zero)?;
        let dt = g.mul(dout, dt)?;
        let sum = g.reduce(Reduction::Sum, weighed, &[last], true)?;
        Ok([dpred, dt, g.sub(all, sum)?])
    }
}

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [pred, target, dout] = check::count(self.name(), inputs)?;
        let losses = self.0.shape(&[pred, target]);
        let losses = losses.map_err(|e| e.of_op(self.name()))?;
        check::same_dtype(self.name(), pred, dout)?;
        check::same_shape(self.name(), &losses[0].shape, &dout.shape)?;
        Ok(vec![pred.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let u = b.dout(self.name())?;
        let (pred, target, dout) = (b.inputs[0], b.inputs[1], b.inputs[2]);
        let Spec { mut shape, dtype } = b.spec(pred);
        let losses = b.spec(dout).shape;
        let (g, last) = (&mut *b.graph, losses.len());
        let depth = std::mem::replace(&mut shape[last], Size::ONE);
        let rows = Rows {
            pred,
            t: match self.0.sparse {
                true => g.push(OneHot { depth, dtype }, &[target])?,
                false => target,
            },
            dout: g.reshape(dout, &shape)?,
            last,
        };
        let [dpred, dt, ddout] = match self.0.from_logits {
            true => CrossEntropyGrad::of_logits(g, &rows, u)?,
            false => self.of_probabilities(g, &rows, u)?,
        };
        let ddout = g.reshape(ddout, &losses)?;
        let dt = (!self.0.sparse).then_some(dt);
        Ok(vec![Some(dpred), dt, Some(ddout)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let classes = *inputs[0].dims().last().expect("a class axis");
        let (name, op) = (self.name(), self.0.clone());
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (pred, dout) = (io.inputs[0].slice::<T>(), io.inputs[2].slice::<T>());
            let out = io.outputs[0].slice();
            op.with_targets(name, &io.inputs[1], classes, |target| {
                by_rows(pred, out, classes, classes, |row, pred, out| {
                    let dout = &dout[row..row + pred.len() / classes];
                    let target = |r| target(row + r);
                    cross_entropy_grad::<T>(pred, target, op.reading(), dout, out);
                });
            })
        }));
        Ok(kernel.fallible(self.0.sparse).into())
    }
}
