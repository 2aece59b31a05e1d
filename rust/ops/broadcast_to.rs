//! `y = x` repeated to a shape by NumPy's broadcasting.
//!
//! `dx = ` the sum of `dout` over the repeated axes.

use super::build::Build;
use super::check;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::Instr;
use crate::run::Prepared;
use crate::size::Size;
use crate::tensor::{show, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroadcastTo {
    pub shape: Vec<Size>,
}

impl Op for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let fits = check::broadcast(self.name(), &[&x.shape, &self.shape])
            .is_ok_and(|shape| check::agree(&shape, &self.shape));
        match fits {
            true => Ok(vec![Spec::new(&self.shape, x.dtype)]),
            false => Err(Error::shape(
                self.name(),
                format!("a shape that broadcasts to {}", show(&self.shape)),
                show(&x.shape),
            )),
        }
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let shape = b.spec(b.inputs[0]).shape;
        Ok(vec![Some(b.graph.sum_to(dout, &shape)?)])
    }

    /// A copy, whose operand is broadcast as that of any other.
    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(Instr::Cast(inputs[0].dtype)))
    }
}
