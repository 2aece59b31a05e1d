//! `y = x` repeated to a shape by NumPy's broadcasting.
//!
//! `dx = ` the sum of `dout` over the repeated axes.

use super::build::Build;
use super::check;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::map::Instr;
use crate::tensor::{show, Spec};
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
        super::fused::run_single(self, io)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let shape = b.spec(b.inputs[0]).shape;
        Ok(vec![Some(b.graph.sum_to(dout, &shape)?)])
    }

    /// A copy, whose operand is broadcast as that of any other.
    fn pointwise(&self, inputs: &[&Spec]) -> Option<Instr> {
        Some(Instr::Cast(inputs[0].dtype))
    }
}
