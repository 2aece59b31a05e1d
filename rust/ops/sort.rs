//! `y = x` in ascending order along `axis`, NaN last.
//!
//! `dx[argsort] = dout`: the op `scatter_along` by `argsort`.

use super::argsort::{ascending, Argsort};
use super::check;
use super::lanes::{map_lanes, split};
use super::scatter_along::ScatterAlong;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::tensor::{Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct Sort {
    axis: usize,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Sort {
        axis: r.size("axis")?,
    }))
}

impl Op for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::axis(self.name(), self.axis, x)?;
        Ok(vec![x.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let lanes = split(&io.inputs[0].spec.shape, self.axis);
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            map_lanes(io.inputs[0].slice::<T>(), out, lanes, lanes.1, |x, y| {
                y.copy_from_slice(x);
                y.sort_by(ascending);
            });
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.inputs[0];
        let size = b.spec(x).shape[self.axis];
        let order = b.graph.push(Argsort { axis: self.axis }, &[x])?;
        let op = ScatterAlong {
            axis: self.axis,
            size,
        };
        Ok(vec![Some(b.graph.push(op, &[dout, order])?)])
    }
}
