//! `y = x`, a value of its own; `dx = dy`.
//!
//! Nodes with different tags are never one: what follows from such a `y` is told from what follows from `x`. So
//! a derivative by `y` counts the uses of `y` alone, and what is computed from `y` is computed again.

use super::check;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::run::Prepared;
use crate::tensor::Spec;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub tag: u64,
}

impl Op for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![Some(b.dout(self.name())?)])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::View)
    }
}
