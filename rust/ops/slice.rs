//! `y[i, j, ...] = x[start_0 + i*step_0, start_1 + j*step_1, ...]`: Python's `start:stop:step` per
//! axis, already normalised (a stop of -1 ends a negative step at element 0).
//!
//! `dx` is `dout` put back into zeros: the op `slice_grad`.

use super::check;
use super::slice_grad::SliceGrad;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::strided::{array, array_mut, copy};
use crate::run::{Kernel, Prepared};
use crate::tensor::{show, Spec};
use crate::with_dtype;
use ndarray::{ArrayBase, Axis, IxDyn, RawData};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    pub start: Vec<i64>,
    pub stop: Vec<i64>,
    pub step: Vec<i64>,
}

impl Slice {
    /// Elements `from..to` of one axis.
    pub fn range(shape: &[usize], axis: usize, from: usize, to: usize) -> Self {
        let mut out = Slice {
            start: vec![0; shape.len()],
            stop: shape.iter().map(|&n| n as i64).collect(),
            step: vec![1; shape.len()],
        };
        out.start[axis] = from as i64;
        out.stop[axis] = to as i64;
        out
    }
}

/// How many elements `start:stop:step` has; of a step of 0 none.
fn range_len(start: i64, stop: i64, step: i64) -> usize {
    let span = match step > 0 {
        true => i128::from(stop) - i128::from(start),
        false => i128::from(start) - i128::from(stop),
    };
    let step = step.unsigned_abs().max(1);
    // At most 2^64 - 1 elements apart.
    (span.max(0) as u128).div_ceil(u128::from(step)) as usize
}

/// Whether the `size` elements `start, start + step, ...` lie in `0..n`.
pub fn is_inside(n: usize, start: i64, step: i64, size: usize) -> bool {
    let last = i128::from(start) + (size as i128 - 1) * i128::from(step);
    let range = 0..n as i128;
    size == 0 || (range.contains(&start.into()) && range.contains(&last))
}

/// Leaves of an array the elements `start, start + step, ...`, as many as `shape` says.
pub fn cut<S: RawData>(
    view: &mut ArrayBase<S, IxDyn>,
    start: &[i64],
    step: &[i64],
    shape: &[usize],
) {
    for (axis, &size) in shape.iter().enumerate() {
        let first = start[axis] as isize;
        let part = match size {
            0 => (0, 0, 1),
            // A step along a single element may be any number; it is never taken.
            1 => (first, first + 1, 1),
            _ => {
                let step = step[axis] as isize;
                let last = first + (size as isize - 1) * step;
                (first.min(last), first.max(last) + 1, step)
            }
        };
        let part = ndarray::Slice::new(part.0, Some(part.1), part.2);
        view.slice_axis_inplace(Axis(axis), part);
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let rank = x.rank();
        if [&self.start, &self.stop, &self.step]
            .iter()
            .any(|v| v.len() != rank)
        {
            return Err(Error::shape(
                self.name(),
                format!(
                    "start, stop and step of length {rank} for {}",
                    show(&x.shape)
                ),
                format!(
                    "lengths {}, {} and {}",
                    self.start.len(),
                    self.stop.len(),
                    self.step.len()
                ),
            ));
        }
        let mut shape = Vec::with_capacity(rank);
        for axis in 0..rank {
            let n = x.shape[axis];
            let (start, stop, step) = (self.start[axis], self.stop[axis], self.step[axis]);
            let size = range_len(start, stop, step);
            if step == 0 || !is_inside(n, start, step, size) {
                return Err(Error::shape(
                    self.name(),
                    format!("a range inside 0..{n} on axis {axis}"),
                    format!("{start}:{stop}:{step}"),
                ));
            }
            shape.push(size);
        }
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let shape = b.spec(b.inputs[0]).shape;
        let op = SliceGrad {
            shape,
            start: self.start.clone(),
            step: self.step.clone(),
        };
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let (from, to) = (inputs[0].shape.clone(), outputs[0].shape.clone());
        let Slice { start, step, .. } = self.clone();
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let mut x = array::<T>(io.inputs[0].slice(), &from);
            cut(&mut x, &start, &step, &to);
            copy(x, array_mut(io.outputs[0].slice(), &to));
            Ok(())
        })
        .into()))
    }
}
