//! `y[o, index[o, j, i], i] += x[o, j, i]` into zeros of length `size` along `axis`: the gradient of
//! `gather_along`.
//!
//! `dx = ` `gather_along` of `dout`.

use super::check;
use super::gather::positions;
use super::gather_along::GatherAlong;
use super::lanes::split;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::number::Number;
use crate::tensor::{DType, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct ScatterAlong {
    pub axis: usize,
    pub size: usize,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(ScatterAlong {
        axis: r.size("axis")?,
        size: r.size("size")?,
    }))
}

impl Op for ScatterAlong {
    fn name(&self) -> &'static str {
        "scatter_along"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::int(self.name(), "indices", indices)?;
        check::axis(self.name(), self.axis, x)?;
        check::same_shape(self.name(), &x.shape, &indices.shape)?;
        if x.dtype == DType::Bool {
            return Err(Error::dtype(self.name(), "x of numbers", "bool"));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.size;
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (_, n, inner) = split(&io.inputs[0].spec.shape, self.axis);
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let x: &[T] = io.inputs[0].slice();
            let out = T::slice_mut(&mut io.outputs[0].data);
            out.fill(T::ZERO);
            for (at, position) in positions(self.name(), &io.inputs[1], self.size).enumerate() {
                let to = (at / (n * inner) * self.size + position?) * inner + at % inner;
                out[to] = out[to].add(x[at]);
            }
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let indices = b.inputs[1];
        let dx = b.graph.push(GatherAlong { axis: self.axis }, &[dout, indices])?;
        Ok(vec![Some(dx), None])
    }

    fn can_fail(&self) -> bool {
        true
    }
}
