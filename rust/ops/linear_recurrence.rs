//! `y_i = a_i y_{i-1} + b_i` along `axis`, from `y_0 = b_0`; `reverse` runs from the end.
//!
//! `db` is the recurrence that runs the other way, `db_i = a_{i+1} db_{i+1} + dout_i`, and
//! `da_i = db_i y_{i-1}`. a, b and y of one shape and float dtype. (Blelloch, Prefix Sums and Their
//! Applications, 1990, 1.4.)

use super::build::Build;
use super::check;
use super::lanes::split;
use super::slice::Slice;
use super::slice_grad::SliceGrad;
use crate::error::Result;
use crate::graph::{Backward, Graph, Op, Value};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearRecurrence {
    pub axis: usize,
    pub reverse: bool,
}

impl Op for LinearRecurrence {
    fn name(&self) -> &'static str {
        "linear_recurrence"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [a, b] = check::count(self.name(), inputs)?;
        check::float(self.name(), "a", a)?;
        check::same_dtype(self.name(), a, b)?;
        check::same_shape(self.name(), &a.shape, &b.shape)?;
        check::axis(self.name(), self.axis, a)?;
        Ok(vec![b.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (a, y) = (b.inputs[0], b.outputs[0]);
        let LinearRecurrence { axis, reverse } = *self;
        let g = &mut *b.graph;
        let next = moved(g, a, axis, reverse)?;
        let op = LinearRecurrence {
            axis,
            reverse: !reverse,
        };
        let db = g.push(op, &[next, dout])?;
        let last = moved(g, y, axis, !reverse)?;
        let da = g.mul(db, last)?;
        Ok(vec![Some(da), Some(db)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (_, n, inner) = split(inputs[0].dims(), self.axis);
        let reverse = self.reverse;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (a, b) = (io.inputs[0].slice::<T>(), io.inputs[1].slice::<T>());
            let out = io.outputs[0].slice::<T>();
            out.copy_from_slice(b);
            let block = (n * inner).max(1);
            for (a, y) in a.chunks(block).zip(out.chunks_mut(block)) {
                for step in 1..n {
                    let (row, last) = match reverse {
                        true => (n - 1 - step, n - step),
                        false => (step, step - 1),
                    };
                    for i in 0..inner {
                        y[row * inner + i] += a[row * inner + i] * y[last * inner + i];
                    }
                }
            }
            Ok(())
        })
        .into()))
    }
}

/// `x` moved by one place along `axis`, towards the end or not; a zero comes in.
pub fn moved(g: &mut Graph, x: Value, axis: usize, to_end: bool) -> Result<Value> {
    let shape = g.spec(x).shape.clone();
    let n = shape[axis];
    if n == 0 {
        return Ok(x);
    }
    let from = Size::of(usize::from(!to_end));
    let part = g.push(Slice::range(&shape, axis, from, from + n - 1), &[x])?;
    let mut start = vec![Size::ZERO; shape.len()];
    start[axis] = Size::of(usize::from(to_end));
    let step = vec![1; shape.len()];
    let op = SliceGrad { shape, start, step };
    g.push(op, &[part])
}
