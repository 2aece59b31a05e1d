//! `y = x`; no gradient flows back.

use super::check;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::tensor::Spec;
use std::sync::Arc;

#[derive(Debug)]
pub struct StopGradient;

pub fn new(_: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(StopGradient))
}

impl Op for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        Ok(vec![x.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        super::reshape::copy(io);
        Ok(())
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }

    fn is_view(&self) -> bool {
        true
    }
}
