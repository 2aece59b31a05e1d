//! `y[o, index[j...], i] += x[o, j..., i]` into zeros of length `size` along `axis`, in the order of
//! `j`: the gradient of `gather`, and segment sums.
//!
//! `dx = ` `gather` of `dout`.

use super::check;
use super::gather::{positions, Gather};
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::number::Number;
use crate::tensor::{show, DType, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct ScatterAdd {
    pub axis: usize,
    pub size: usize,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(ScatterAdd {
        axis: r.size("axis")?,
        size: r.size("size")?,
    }))
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::int(self.name(), "indices", indices)?;
        if x.dtype == DType::Bool {
            return Err(Error::dtype(self.name(), "x of numbers", "bool"));
        }
        let end = self.axis + indices.rank();
        if end > x.rank() || x.shape[self.axis..end] != indices.shape {
            return Err(Error::shape(
                self.name(),
                format!("x with {} at axis {}", show(&indices.shape), self.axis),
                show(&x.shape),
            ));
        }
        let mut shape = x.shape[..self.axis].to_vec();
        shape.push(self.size);
        shape.extend(&x.shape[end..]);
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let shape = &io.inputs[0].spec.shape;
        let count = io.inputs[1].spec.len();
        let outer: usize = shape[..self.axis].iter().product();
        let inner: usize = shape[self.axis + io.inputs[1].spec.rank()..].iter().product();
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let x: &[T] = io.inputs[0].slice();
            let out = T::slice_mut(&mut io.outputs[0].data);
            out.fill(T::ZERO);
            for (j, position) in positions(self.name(), &io.inputs[1], self.size).enumerate() {
                let position = position?;
                for o in 0..outer {
                    let (from, to) = ((o * count + j) * inner, (o * self.size + position) * inner);
                    for i in 0..inner {
                        out[to + i] = out[to + i].add(x[from + i]);
                    }
                }
            }
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let indices = b.inputs[1];
        let dx = b.graph.push(Gather { axis: self.axis }, &[dout, indices])?;
        Ok(vec![Some(dx), None])
    }

    fn can_fail(&self) -> bool {
        true
    }
}
