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
use super::log_softmax::LogSoftmax;
use super::reduce::Reduction;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Input, Io, Op, Value};
use crate::kernels::float::Float;
use crate::kernels::map::{Binary, Unary};
use crate::kernels::number::Number;
use crate::kernels::cross_entropy::{cross_entropy, cross_entropy_grad, Reading, Target};
use crate::kernels::region::{share, IndexedParallelIterator, ParallelSlice, ParallelSliceMut};
use crate::tensor::{show, Element, Spec};
use crate::{with_dtype, with_float};
use smallvec::{smallvec, SmallVec};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct CrossEntropy {
    from_logits: bool,
    epsilon: f64,
    sparse: bool,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(CrossEntropy {
        from_logits: r.bool("from_logits")?,
        epsilon: r.float("epsilon")?,
        sparse: r.bool("sparse")?,
    }))
}

impl CrossEntropy {
    fn reading(&self) -> Reading {
        match self.from_logits {
            true => Reading::Logits,
            false => Reading::Probabilities(self.epsilon),
        }
    }

    /// Every label, checked to be a class.
    fn labels(&self, target: &Input, classes: usize) -> Result<SmallVec<[usize; 128]>> {
        with_dtype!(target.spec.dtype, I => {
            target
                .slice::<I>()
                .iter()
                .map(|label| {
                    let label = Number::to_f64(*label);
                    match label >= 0.0 && label < classes as f64 {
                        true => Ok(label as usize),
                        false => Err(Error::data(
                            "cross_entropy",
                            format!("labels in [0, {classes})"),
                            label.to_string(),
                        )),
                    }
                })
                .collect()
        })
    }

    /// Calls `f` with the target of each row.
    fn with_targets<'a, T: Float + Number + Element>(
        &self,
        target: &Input<'a>,
        classes: usize,
        f: impl FnOnce(&(dyn Fn(usize) -> Target<'a, T> + Sync)),
    ) -> Result<()> {
        if self.sparse {
            let labels = self.labels(target, classes)?;
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
            if target.shape != rows {
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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let classes = *io.inputs[0].spec.shape.last().expect("a class axis");
        with_float!(io.inputs[0].spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            if classes == 0 {
                out.fill(T::default());
                return Ok(());
            }
            let pred: &[T] = io.inputs[0].slice();
            self.with_targets(&io.inputs[1], classes, |target| {
                by_rows(pred, out, classes, 1, |row, pred, out| {
                    let mut work: SmallVec<[T; 32]> = smallvec![T::default(); classes];
                    cross_entropy::<T>(pred, |r| target(row + r), self.reading(), out, &mut work);
                });
            })
        })
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
            let low = g.scalar(self.epsilon, spec.dtype);
            let one = g.scalar(1.0, spec.dtype);
            let high = g.sub(one, low)?;
            let p = g.binary(Binary::Maximum, share, low)?;
            let p = g.binary(Binary::Minimum, p, high)?;
            g.unary(Unary::Log, p)?
        };
        let mut rows = spec.shape.clone();
        rows[last] = 1;
        let dout = g.reshape(dout, &rows)?;
        let dt = g.mul(log_p, dout)?;
        Ok(vec![dpred, Some(g.neg(dt)?)])
    }

    fn can_fail(&self) -> bool {
        self.sparse
    }
}

/// Logits under which one thread does all rows.
const PARALLEL_LEN: usize = 1 << 15;
/// Logits that a task should have at least.
const TASK_LEN: usize = 1 << 13;

/// Calls `f(first row, rows of pred, rows of out)` on runs of rows, cut by shape; a row is `n` elements
/// of `pred` and `out_n` of `out`.
fn by_rows<T: Float>(
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
    let tasks = pred.par_chunks(rows * n).zip(out.par_chunks_mut(rows * out_n));
    share(tasks.enumerate(), |(t, (pred, out))| f(t * rows, pred, out));
}

/// `dpred` of [`CrossEntropy`], from (pred, target, dout).
#[derive(Debug)]
struct CrossEntropyGrad(CrossEntropy);

impl Op for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [pred, _, _] = check::count(self.name(), inputs)?;
        Ok(vec![pred.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let classes = *io.inputs[0].spec.shape.last().expect("a class axis");
        if io.inputs[0].spec.is_empty() {
            return Ok(());
        }
        with_float!(io.inputs[0].spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            self.0.with_targets(&io.inputs[1], classes, |target| {
                let (pred, dout): (&[T], &[T]) = (io.inputs[0].slice(), io.inputs[2].slice());
                by_rows(pred, out, classes, classes, |row, pred, out| {
                    let dout = &dout[row..row + pred.len() / classes];
                    let target = |r| target(row + r);
                    cross_entropy_grad::<T>(pred, target, self.0.reading(), dout, out);
                });
            })
        })
    }

    fn can_fail(&self) -> bool {
        self.0.sparse
    }
}
