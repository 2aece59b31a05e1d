//! `y = x` as a number of a format that is narrower than its dtype: of halves, rounded to the nearest,
//! ties to even; of int8, int16 and uint16, wrapped. It stays in its dtype.
//!
//! `dx = dout`, rounded to the same format: the gradient of halves is of halves.

use super::check;
use super::named::{self, Named};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::Instr;
use crate::kernels::narrow::Format;
use crate::run::Prepared;
use crate::tensor::{DType, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Narrow {
    #[serde(with = "named")]
    pub format: Format,
}

impl Named for Format {
    fn table() -> Vec<(&'static str, Self)> {
        Format::TABLE.to_vec()
    }
}

impl Op for Narrow {
    fn name(&self) -> &'static str {
        "narrow"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        if self.format.is_float() {
            check::float(self.name(), "x", x)?;
        } else {
            check::dtype(self.name(), "x", x, DType::I32)?;
        }
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        if !self.format.is_float() {
            return Ok(vec![None]);
        }
        let dout = b.dout(self.name())?;
        Ok(vec![Some(b.graph.push(self.clone(), &[dout])?)])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(Instr::Narrow(self.format)))
    }
}
