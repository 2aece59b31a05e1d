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
use crate::size::{signed, Size};
use crate::tensor::{show, Spec};
use crate::with_dtype;
use ndarray::{ArrayBase, Axis, IxDyn, RawData};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    #[serde(deserialize_with = "signed")]
    pub start: Vec<Size>,
    #[serde(deserialize_with = "signed")]
    pub stop: Vec<Size>,
    pub step: Vec<i64>,
}

impl Slice {
    /// Elements `from..to` of one axis.
    pub fn range(shape: &[Size], axis: usize, from: Size, to: Size) -> Self {
        let mut out = Slice {
            start: vec![Size::ZERO; shape.len()],
            stop: shape.to_vec(),
            step: vec![1; shape.len()],
        };
        out.start[axis] = from;
        out.stop[axis] = to;
        out
    }
}

/// How many elements `start:stop:step` has, where ends that are not known are in order.
fn range_len(start: Size, stop: Size, step: i64) -> Size {
    let span = match step > 0 {
        true => stop - start,
        false => start - stop,
    };
    let step = Size::signed(step as isize).abs().max(1);
    let len = -(-span).floor_div(step);
    match len.surely_below(0) {
        true => Size::ZERO,
        false => len,
    }
}

/// Whether the `size` elements `start, start + step, ...` may lie in `0..n`.
pub fn is_inside(n: Size, start: Size, step: i64, size: Size) -> bool {
    let last = start + (size - 1) * Size::signed(step as isize);
    let in_range = |at: Size| !at.surely_below(0) && !n.surely_below(at + 1);
    size == 0 || (in_range(start) && in_range(last))
}

/// Leaves of an array the elements `start, start + step, ...`, as many as `shape` says.
pub fn cut<S: RawData>(
    view: &mut ArrayBase<S, IxDyn>,
    start: &[Size],
    step: &[i64],
    shape: &[usize],
) {
    for (axis, &size) in shape.iter().enumerate() {
        let part = match size {
            0 => (0, 0, 1),
            // A step along a single element may be any number; it is never taken.
            1 => {
                let first = start[axis].get() as isize;
                (first, first + 1, 1)
            }
            _ => {
                let first = start[axis].get() as isize;
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
        if [self.start.len(), self.stop.len(), self.step.len()] != [rank; 3] {
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
        let (from, to) = (inputs[0].dims().to_vec(), outputs[0].dims().to_vec());
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
