//! `y_i = exp(x_i) / sum_j exp(x_j)` along `axis`.
//!
//! `dx = y * (dout - sum(dout * y))`. Floats of any shape. (Bridle 1990.)

use super::build::Build;
use super::check;
use super::lanes::{map_rows, split};
use super::reduce::Reduction;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::softmax::softmax;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    pub axis: usize,
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::axis(self.name(), self.axis, x)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let y = b.outputs[0];
        let g = &mut *b.graph;
        let product = g.mul(dout, y)?;
        let sum = g.reduce(Reduction::Sum, product, &[self.axis], true)?;
        let centred = g.sub(dout, sum)?;
        Ok(vec![Some(g.mul(y, centred)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let lanes = split(inputs[0].dims(), self.axis);
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            map_rows(x, out, lanes, |x, y| softmax(x, y, lanes.1));
            Ok(())
        })
        .into()))
    }
}
