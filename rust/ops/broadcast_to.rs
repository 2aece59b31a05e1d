//! `y = x` repeated to a shape by NumPy's broadcasting.
//!
//! `dx = ` the sum of `dout` over the repeated axes.

use super::build::Build;
use super::check;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::strided::gather_strided;
use crate::tensor::{show, strides, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct BroadcastTo {
    pub shape: Vec<usize>,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(BroadcastTo {
        shape: r.sizes("shape")?,
    }))
}

impl Op for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let fits = check::broadcast(self.name(), &[&x.shape, &self.shape])
            .is_ok_and(|shape| shape == self.shape);
        match fits {
            true => Ok(vec![Spec::new(self.shape.clone(), x.dtype)]),
            false => Err(Error::shape(
                self.name(),
                format!("a shape that broadcasts to {}", show(&self.shape)),
                show(&x.shape),
            )),
        }
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let from = &io.inputs[0].spec.shape;
        let lead = self.shape.len() - from.len();
        let own = strides(from);
        let steps: Vec<isize> = (0..self.shape.len())
            .map(|a| match a.checked_sub(lead) {
                Some(i) if from[i] != 1 => own[i] as isize,
                _ => 0,
            })
            .collect();
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let x: &[T] = io.inputs[0].slice();
            gather_strided(x, 0, &steps, &self.shape, T::slice_mut(&mut io.outputs[0].data));
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let shape = b.spec(b.inputs[0]).shape;
        Ok(vec![Some(b.graph.sum_to(dout, &shape)?)])
    }
}
