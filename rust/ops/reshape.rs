//! `y = x` under another shape of as many elements, in C order; nothing is copied.
//!
//! `dx = dout` under the shape of `x`.

use super::build::Build;
use super::check;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::run::Prepared;
use crate::size::Size;
use crate::tensor::{show, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reshape {
    pub shape: Vec<Size>,
}

/// Forward of the ops that give their input's elements unchanged.
impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let out = Spec::new(&self.shape, x.dtype);
        if !out.size().may_be(x.size()) {
            return Err(Error::shape(
                self.name(),
                format!("a shape of {} elements as {} has", x.size(), show(&x.shape)),
                show(&self.shape),
            ));
        }
        Ok(vec![out])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let shape = b.spec(b.inputs[0]).shape;
        Ok(vec![Some(b.graph.reshape(dout, &shape)?)])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::View)
    }
}
