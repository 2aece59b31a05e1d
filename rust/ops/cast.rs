//! `y = x` in another dtype: floats to integers truncate towards zero, anything to bool is `x != 0`.
//!
//! `dx = dout` in the dtype of `x` between floats; no gradient flows through integers.

use super::build::Build;
use super::check;
use super::named;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::Instr;
use crate::run::Prepared;
use crate::tensor::{DType, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
    #[serde(with = "named")]
    pub dtype: DType,
}

impl Op for Cast {
    fn name(&self) -> &'static str {
        "cast"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        Ok(vec![Spec::new(x.shape.clone(), self.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let from = b.spec(b.inputs[0]).dtype;
        if !from.is_float() || !self.dtype.is_float() {
            return Ok(vec![None]);
        }
        let dout = b.dout(self.name())?;
        Ok(vec![Some(b.graph.cast(dout, from)?)])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(Instr::Cast(self.dtype)))
    }
}
