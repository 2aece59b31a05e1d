//! `y[w]` is `values` at the element that `pool` of max chooses in the window `w`: the gradient of
//! `pool_grad` of max by its `dy`.
//!
//! Linear in `values`, and its adjoint is `pool_grad`; no gradient flows to `x` and `y`. x and values
//! (N, *S, C), y (N, *O, C).

use super::check;
use super::pool::Pool;
use super::pool_grad::PoolGrad;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::pool::{pick, Pooling};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PoolPick(pub Pool);

impl Op for PoolPick {
    fn name(&self) -> &'static str {
        "pool_pick"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, y, values] = check::count(self.name(), inputs)?;
        if self.0.function != Pooling::Max {
            return Err(Error::attribute(self.name(), "function: max", "mean"));
        }
        check::same_dtype(self.name(), x, y)?;
        check::same_shape(self.name(), &self.0.output(self.name(), x)?, &y.shape)?;
        check::same_dtype(self.name(), x, values)?;
        check::same_shape(self.name(), &x.shape, &values.shape)?;
        Ok(vec![y.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.inputs[1]);
        let dvalues = b.graph.push(PoolGrad(self.0.clone()), &[x, y, dout])?;
        Ok(vec![None, None, Some(dvalues)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let windows = self.0.windows(self.name(), inputs[0])?;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, y, values) = (io.inputs[0].slice(), io.inputs[1].slice(), io.inputs[2].slice());
            pick::<T>(&windows, x, y, values, io.outputs[0].slice());
            Ok(())
        })
        .into()))
    }
}
