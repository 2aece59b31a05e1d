//! `y = -sum_c t_c log p_c`, a loss for each row of the last axis.
//!
//! From logits `p = softmax(pred)`: `dpred = dout * (p * sum(t) - t)`. Else `q = pred / sum(pred)` and
//! `p = clip(q, epsilon, 1 - epsilon)`: `dpred = (g - sum(g * q)) / sum(pred)` with
//! `g = -dout * t / p` inside the clip. `dt = -dout * log p`.
//!
//! pred (..., C); target (..., C), or integer labels (...) when `sparse`; y (...). A label outside
//! [0, C) is a `DataError`. (Goodfellow, Bengio & Courville, Deep Learning, 6.2.2.)

use super::build::Build;
use super::check;
use super::cross_entropy_grad::CrossEntropyGrad;
use super::log_softmax::LogSoftmax;
use super::reduce::Reduction;
use crate::error::{Error, Result};
use crate::graph::{Backward, Graph, Op, Value};
use crate::kernels::cross_entropy::{cross_entropy, Reading, Target};
use crate::kernels::float::Float;
use crate::kernels::map::{Binary, Unary};
use crate::kernels::number::Number;
use crate::kernels::region::{share, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use crate::run::{Input, Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Element, Spec};
use crate::{with_dtype, with_float};
use serde::{Deserialize, Serialize};
use smallvec::{smallvec, SmallVec};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrossEntropy {
    pub from_logits: bool,
    pub epsilon: f64,
    pub sparse: bool,
}

impl CrossEntropy {
    /// `share` kept in `[epsilon, 1 - epsilon]`.
    pub fn clip(&self, g: &mut Graph, share: Value) -> Result<Value> {
        let dtype = g.spec(share).dtype;
        let low = g.scalar(self.epsilon, dtype);
        let one = g.scalar(1.0, dtype);
        let high = g.sub(one, low)?;
        let p = g.binary(Binary::Maximum, share, low)?;
        g.binary(Binary::Minimum, p, high)
    }

    pub fn reading(&self) -> Reading {
        match self.from_logits {
            true => Reading::Logits,
            false => Reading::Probabilities(self.epsilon),
        }
    }

    /// Every label, checked to be a class.
    fn labels(op: &str, target: &Input, classes: usize) -> Result<SmallVec<[usize; 128]>> {
        with_dtype!(target.spec.dtype, I => {
            target
                .slice::<I>()
                .iter()
                .map(|label| {
                    let label = Number::to_f64(*label);
                    match label >= 0.0 && label < classes as f64 {
                        true => Ok(label as usize),
                        false => Err(Error::data(
                            op,
                            format!("labels in [0, {classes})"),
                            label.to_string(),
                        )),
                    }
                })
                .collect()
        })
    }

    /// Calls `f` with the target of each row; `op` is who refuses a label.
    pub fn with_targets<'a, T: Float + Number + Element>(
        &self,
        op: &str,
        target: &Input<'a>,
        classes: usize,
        f: impl FnOnce(&(dyn Fn(usize) -> Target<'a, T> + Sync)),
    ) -> Result<()> {
        if self.sparse {
            let labels = CrossEntropy::labels(op, target, classes)?;
            f(&|row| Target::Label(labels[row]));
        } else {
            let t: &'a [T] = target.slice();
            f(&|row| Target::Dense(&t[row * classes..(row + 1) * classes]));
        }
        Ok(())
    }
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [pred, target] = check::count(self.name(), inputs)?;
        check::float(self.name(), "pred", pred)?;
        check::ranked(self.name(), "pred", pred)?;
        let rows = &pred.shape[..pred.rank() - 1];
        if self.sparse {
            check::int(self.name(), "labels", target)?;
            if !check::agree(&target.shape, rows) {
                return Err(Error::shape(
                    self.name(),
                    format!("labels of {} for pred of {}", show(rows), show(&pred.shape)),
                    show(&target.shape),
                ));
            }
        } else {
            check::same_dtype(self.name(), pred, target)?;
            check::same_shape(self.name(), &pred.shape, &target.shape)?;
        }
        Ok(vec![Spec::new(rows, pred.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (pred, target) = (b.inputs[0], b.inputs[1]);
        let spec = b.spec(pred);
        let last = spec.rank() - 1;
        let dpred = match b.wanted[0] {
            false => None,
            true => {
                let op = CrossEntropyGrad(self.clone());
                Some(b.graph.push(op, &[pred, target, dout])?)
            }
        };
        if self.sparse || !b.wanted[1] {
            return Ok(vec![dpred, None]);
        }
        let g = &mut *b.graph;
        let log_p = if self.from_logits {
            g.push(LogSoftmax { axis: last }, &[pred])?
        } else {
            let total = g.reduce(Reduction::Sum, pred, &[last], true)?;
            let share = g.div(pred, total)?;
            let p = self.clip(g, share)?;
            g.unary(Unary::Log, p)?
        };
        let mut rows = spec.shape.clone();
        rows[last] = Size::ONE;
        let dout = g.reshape(dout, &rows)?;
        let dt = g.mul(log_p, dout)?;
        Ok(vec![dpred, Some(g.neg(dt)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let classes = *inputs[0].dims().last().expect("a class axis");
        let op = self.clone();
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (pred, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            if classes == 0 {
                out.fill(T::default());
                return Ok(());
            }
            op.with_targets(op.name(), &io.inputs[1], classes, |target| {
                by_rows(pred, out, classes, 1, |row, pred, out| {
                    let mut work: SmallVec<[T; 32]> = smallvec![T::default(); classes];
                    cross_entropy::<T>(pred, |r| target(row + r), op.reading(), out, &mut work);
                });
            })
        }));
        Ok(kernel.fallible(self.sparse).into())
    }
}

/// Logits under which one thread does all rows.
const PARALLEL_LEN: usize = 1 << 15;
/// Logits that a task should have at least.
const TASK_LEN: usize = 1 << 13;

/// Calls `f(first row, rows of pred, rows of out)` on runs of rows, cut by shape; a row is `n` elements
/// of `pred` and `out_n` of `out`.
pub fn by_rows<T: Float>(
    pred: &[T],
    out: &mut [T],
    n: usize,
    out_n: usize,
    f: impl Fn(usize, &[T], &mut [T]) + Sync,
) {
    if pred.len() < PARALLEL_LEN {
        return f(0, pred, out);
    }
    let rows = (TASK_LEN / n).max(1);
    let tasks = pred
        .par_chunks(rows * n)
        .zip(out.par_chunks_mut(rows * out_n));
    share(tasks.enumerate(), |(t, (pred, out))| f(t * rows, pred, out));
}
