//! `y = x` in another dtype: floats to integers truncate towards zero, anything to bool is `x != 0`.
//!
//! `dx = dout` in the dtype of `x` between floats; no gradient flows through integers.

use super::build::Build;
use super::check;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::map::Instr;
use crate::tensor::{DType, Spec};
use std::sync::Arc;

#[derive(Debug)]
pub struct Cast {
    pub dtype: DType,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Cast {
        dtype: r.dtype("dtype")?,
    }))
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        Ok(vec![Spec::new(x.shape.clone(), self.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        super::fused::run_single(self, io)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let from = b.spec(b.inputs[0]).dtype;
        if !from.is_float() || !self.dtype.is_float() {
            return Ok(vec![None]);
        }
        let dout = b.dout(self.name())?;
        Ok(vec![Some(b.graph.cast(dout, from)?)])
    }

    fn pointwise(&self, _inputs: &[&Spec]) -> Option<Instr> {
        Some(Instr::Cast(self.dtype))
    }
}
