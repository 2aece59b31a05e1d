//! `y[o, j, i] = x[o, index[o, j, i], i]` along `axis`: NumPy's `take_along_axis`. The shapes agree
//! but for that axis.
//!
//! `dx = ` the op `scatter_along` of `dout`. An index outside `[-n, n)` is a `DataError`.

use super::check;
use super::gather::positions;
use super::lanes::split;
use super::scatter_along::ScatterAlong;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::tensor::{show, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct GatherAlong {
    pub axis: usize,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(GatherAlong {
        axis: r.size("axis")?,
    }))
}

/// Both of one rank, with the same sizes but for `axis`.
pub fn agree(op: &str, x: &Spec, indices: &Spec, axis: usize) -> Result<()> {
    check::axis(op, axis, x)?;
    let fits = x.rank() == indices.rank()
        && (0..x.rank()).all(|a| a == axis || x.shape[a] == indices.shape[a]);
    match fits {
        true => Ok(()),
        false => Err(Error::shape(
            op,
            format!("indices of {} but for axis {axis}", show(&x.shape)),
            show(&indices.shape),
        )),
    }
}

impl Op for GatherAlong {
    fn name(&self) -> &'static str {
        "gather_along"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::int(self.name(), "indices", indices)?;
        agree(self.name(), x, indices, self.axis)?;
        Ok(vec![Spec::new(indices.shape.clone(), x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (_, n, inner) = split(&io.inputs[0].spec.shape, self.axis);
        let per = io.inputs[1].spec.shape[self.axis] * inner;
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let x: &[T] = io.inputs[0].slice();
            let out = T::slice_mut(&mut io.outputs[0].data);
            for (at, position) in positions(self.name(), &io.inputs[1], n).enumerate() {
                out[at] = x[(at / per * n + position?) * inner + at % inner];
            }
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let op = ScatterAlong {
            axis: self.axis,
            size: b.spec(b.inputs[0]).shape[self.axis],
        };
        let indices = b.inputs[1];
        Ok(vec![Some(b.graph.push(op, &[dout, indices])?), None])
    }

    fn can_fail(&self) -> bool {
        true
    }
}
