//! `y_i = x_i / (1 - rate)` where `u_i >= rate`, else 0; `u = uniform(seed)` (Srivastava et al. 2014,
//! "Dropout", inverted so that inference needs nothing).
//!
//! `dx` is the same op on `dout`: the seed gives the same mask, which is therefore never stored.

use super::check;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::map::Instr;
use crate::tensor::{DType, Spec};
use std::sync::Arc;

#[derive(Debug)]
pub struct Dropout {
    rate: f64,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    let rate = r.float("rate")?;
    if !(0.0..1.0).contains(&rate) {
        return Err(Error::attribute("dropout", "0 <= rate < 1", rate.to_string()));
    }
    Ok(Arc::new(Dropout { rate }))
}

/// A seed: two uint32.
pub fn check_seed(op: &str, seed: &Spec) -> Result<()> {
    check::dtype(op, "seed", seed, DType::U32)?;
    check::same_shape(op, &[2], &seed.shape)
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, seed] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check_seed(self.name(), seed)?;
        Ok(vec![x.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        super::fused::run_single(self, io)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let seed = b.inputs[1];
        let op = Dropout { rate: self.rate };
        Ok(vec![Some(b.graph.push(op, &[dout, seed])?), None])
    }

    fn pointwise(&self, _inputs: &[&Spec]) -> Option<Instr> {
        Some(Instr::Dropout { rate: self.rate })
    }
}
