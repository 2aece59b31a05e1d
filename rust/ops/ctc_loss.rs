//! `y = -log p(target | logits)`, the probability of the target summed over all its alignments with the
//! frames, each frame's classes by `softmax(logits)`: a loss for each row.
//!
//! `dlogits = dout (softmax(logits) - g)`, `g` the share of the alignments that are in a class at a frame;
//! 0 beyond a row's frames. The op `ctc_loss_grad`, which has no derivative. In float64.
//!
//! logits (N, T, C); target (N, L), the first `target_length` (N) of a row, in [0, C); `output_length` (N)
//! frames of a row count; y (N). `mask_index` is the class of the blank. A row without frames, whose
//! target is empty, has the loss 0. A target that its frames cannot hold, a length or a label out of
//! range is a `DataError`. (Graves, Fernandez, Gomez & Schmidhuber, Connectionist Temporal
//! Classification, ICML 2006.)

use super::check;
use super::ctc_loss_grad::CtcLossGrad;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::ctc::{ctc, least_frames, Labelled};
use crate::kernels::float::Float;
use crate::kernels::region::{
    share_if, IndexedParallelIterator, IntoParallelIterator, ParallelSliceMut,
};
use crate::memory::room;
use crate::run::{Input, Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Element, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CtcLoss {
    pub mask_index: usize,
}

/// States of all frames under which one thread does all rows.
const PARALLEL_LEN: usize = 1 << 12;

impl CtcLoss {
    /// Checks the inputs' specs for an op of this name, and gives the losses'.
    pub fn losses(&self, op: &str, inputs: [&Spec; 4]) -> Result<Spec> {
        let [logits, target, target_length, output_length] = inputs;
        frames_of(op, logits, output_length, self.mask_index)?;
        check::int(op, "target", target)?;
        check::int(op, "target_length", target_length)?;
        let rows = logits.shape[0];
        if target.rank() != 2 || !target.shape[0].may_be(rows) {
            let expected = format!("target ({rows}, L) for logits {}", show(&logits.shape));
            return Err(Error::shape(op, expected, show(&target.shape)));
        }
        check::same_shape(op, &[rows], &target_length.shape)?;
        Ok(Spec::new([rows], logits.dtype))
    }

    /// The losses, and where wanted their gradients by the logits, of inputs that `op` may refuse.
    pub fn compute<T: Float + Element>(
        &self,
        op: &str,
        inputs: &[Input],
        grads: Option<&mut [T]>,
    ) -> Result<Vec<f64>> {
        let dims = inputs[0].spec.dims();
        let (rows, frames, classes) = (dims[0], dims[1], dims[2]);
        let most = inputs[1].spec.dims()[1];
        let lengths = lengths(op, &inputs[3], frames, "frames")?;
        let counts = self::lengths(op, &inputs[2], most, "labels")?;
        let labels = labels(op, &inputs[1], &counts, classes)?;
        let row_labels = |row: usize| &labels[row * most..][..counts[row]];
        for row in 0..rows {
            let least = least_frames(row_labels(row));
            if least > lengths[row] {
                let labels = counts[row];
                return Err(Error::data(
                    op,
                    format!(
                        "{least} frames or more for the {labels} labels of row {row}, {} of which \
                         repeat the one before",
                        least - labels
                    ),
                    lengths[row].to_string(),
                ));
            }
        }
        let mut losses = room(0.0, rows);
        let size = frames * classes;
        let logits = inputs[0].slice::<T>();
        if size == 0 {
            return Ok(losses);
        }
        let grads: Vec<Option<&mut [T]>> = match grads {
            Some(grads) => grads.chunks_mut(size).map(Some).collect(),
            None => (0..rows).map(|_| None).collect(),
        };
        let tasks = losses.par_chunks_mut(1).zip(grads.into_par_iter());
        let states = rows * frames * (classes + 2 * most);
        share_if(
            states >= PARALLEL_LEN,
            tasks.enumerate(),
            |(row, (loss, grad))| {
                let used = lengths[row] * classes;
                let labelled = Labelled {
                    logits: &logits[row * size..][..used],
                    classes,
                    labels: row_labels(row),
                    blank: self.mask_index,
                };
                loss[0] = ctc(
                    labelled,
                    grad.map(|grad| {
                        let (used, rest) = grad.split_at_mut(used);
                        rest.fill(T::ZERO);
                        used
                    }),
                );
            },
        );
        Ok(losses)
    }
}

/// Checks frames of logits (N, T, C), how many of them count, and the class of the blank.
pub fn frames_of(op: &str, logits: &Spec, length: &Spec, mask_index: usize) -> Result<()> {
    check::float(op, "logits", logits)?;
    check::int(op, "output_length", length)?;
    let &[rows, _, classes] = &logits.shape[..] else {
        return Err(Error::shape(op, "logits (N, T, C)", show(&logits.shape)));
    };
    if !Size::of(mask_index).may_be_below(classes) {
        return Err(Error::shape(
            op,
            format!("a blank, class {mask_index}, among the classes"),
            show(&logits.shape),
        ));
    }
    check::same_shape(op, &[rows], &length.shape)
}

/// The lengths of all rows, each at most `most`.
pub fn lengths(op: &str, input: &Input, most: usize, of: &str) -> Result<Vec<usize>> {
    let mut lengths = room(0, input.spec.len());
    for (row, length) in lengths.iter_mut().enumerate() {
        let raw = input.data.integer(row);
        match usize::try_from(raw) {
            Ok(number) if number <= most => *length = number,
            _ => {
                let expected = format!("0 to {most} {of} a row");
                return Err(Error::data(op, expected, format!("{raw} in row {row}")));
            }
        }
    }
    Ok(lengths)
}

/// The labels of all rows, 0 where a row has no more.
fn labels(op: &str, target: &Input, counts: &[usize], classes: usize) -> Result<Vec<usize>> {
    let mut labels = room(0, target.spec.len());
    let most = target.spec.dims()[1].max(1);
    for (row, labels) in labels.chunks_mut(most).enumerate() {
        for (at, label) in labels[..counts[row]].iter_mut().enumerate() {
            let raw = target.data.integer(row * most + at);
            match usize::try_from(raw) {
                Ok(number) if number < classes => *label = number,
                _ => {
                    let expected = format!("labels in [0, {classes})");
                    return Err(Error::data(op, expected, format!("{raw} in row {row}")));
                }
            }
        }
    }
    Ok(labels)
}

/// Losses as the elements of an output.
pub fn store<T: Float>(losses: &[f64], out: &mut [T]) {
    for (out, loss) in out.iter_mut().zip(losses) {
        *out = T::from_f64(*loss);
    }
}

impl Op for CtcLoss {
    fn name(&self) -> &'static str {
        "ctc_loss"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let inputs = check::count(self.name(), inputs)?;
        Ok(vec![self.losses(self.name(), inputs)?])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let mut dlogits = None;
        if b.wanted[0] {
            let inputs = [&b.inputs[..], &[dout]].concat();
            dlogits = Some(b.graph.push(CtcLossGrad(self.clone()), &inputs)?);
        }
        Ok(vec![dlogits, None, None, None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let op = self.clone();
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let losses = op.compute::<T>(op.name(), io.inputs, None)?;
            store::<T>(&losses, io.outputs[0].slice());
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
