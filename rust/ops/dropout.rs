//! `y_i = x_i / (1 - rate)` where `u_i >= rate`, else 0; `u = uniform(seed)` (Srivastava et al. 2014,
//! "Dropout", inverted so that inference needs nothing).
//!
//! `dx` is the same op on `dout`: the seed gives the same mask, which is therefore never stored.

use super::check;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::Instr;
use crate::run::Prepared;
use crate::size::Size;
use crate::tensor::{DType, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    pub rate: f64,
}

/// A seed: two uint32.
pub fn check_seed(op: &str, seed: &Spec) -> Result<()> {
    check::dtype(op, "seed", seed, DType::U32)?;
    check::same_shape(op, &[Size::of(2)], &seed.shape)
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, seed] = check::count(self.name(), inputs)?;
        if !(0.0..1.0).contains(&self.rate) {
            let got = self.rate.to_string();
            return Err(Error::attribute(self.name(), "0 <= rate < 1", got));
        }
        check::float(self.name(), "x", x)?;
        check_seed(self.name(), seed)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let seed = b.inputs[1];
        let op = Dropout { rate: self.rate };
        Ok(vec![Some(b.graph.push(op, &[dout, seed])?), None])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(Instr::Dropout { rate: self.rate }))
    }
}
