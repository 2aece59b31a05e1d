//! `y = cond ? a : b`, element by element, shapes broadcast as in NumPy.
//!
//! `da = sum_to(cond ? dout : 0)`, `db = sum_to(cond ? 0 : dout)`. `cond` is bool, `a` and `b` have
//! one dtype.

use super::build::Build;
use super::check;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::Instr;
use crate::run::Prepared;
use crate::tensor::{DType, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Select {}

impl Op for Select {
    fn name(&self) -> &'static str {
        "select"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [cond, a, b] = check::count(self.name(), inputs)?;
        check::dtype(self.name(), "cond", cond, DType::Bool)?;
        check::same_dtype(self.name(), a, b)?;
        let shape = check::broadcast(self.name(), &[&cond.shape, &a.shape, &b.shape])?;
        Ok(vec![Spec::new(shape, a.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (cond, first, second) = (b.inputs[0], b.inputs[1], b.inputs[2]);
        let (sa, sb) = (b.spec(first), b.spec(second));
        let zero = b.graph.scalar(0.0, sa.dtype);
        let da = b.graph.select(cond, dout, zero)?;
        let db = b.graph.select(cond, zero, dout)?;
        Ok(vec![
            None,
            Some(b.graph.sum_to(da, &sa.shape)?),
            Some(b.graph.sum_to(db, &sb.shape)?),
        ])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(Instr::Select))
    }
}
