//! `dx` of `y = pool(x)` for a gradient `dy`. Mean: `dx[i]` is the sum of `dy[w] / count[w]` over
//! the windows `w` that `i` is in. Max: the sum of `dy[w]` over those whose first element equal to
//! `y[w]` is `i`.
//!
//! Linear in `dy`: `ddy[w]` is the mean over `w` of the gradient by `dx`, or that at the element
//! chosen. None flows to `x` and `y`. Where `y[w]` is NaN, the first NaN is chosen. x and dx
//! (N, *S, C), y and dy (N, *O, C).

use super::check;
use super::pool::Pool;
use super::pool_pick::PoolPick;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::pool::{pool_grad, Pooling};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PoolGrad(pub Pool);

impl Op for PoolGrad {
    fn name(&self) -> &'static str {
        "pool_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, y, dy] = check::count(self.name(), inputs)?;
        let expected = self.0.output(self.name(), x)?;
        for side in [y, dy] {
            check::same_dtype(self.name(), x, side)?;
            check::same_shape(self.name(), &expected, &side.shape)?;
        }
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.inputs[1]);
        let ddy = match self.0.function {
            Pooling::Mean => b.graph.push(self.0.clone(), &[dout])?,
            Pooling::Max => b.graph.push(PoolPick(self.0.clone()), &[x, y, dout])?,
        };
        Ok(vec![None, None, Some(ddy)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let windows = self.0.windows(self.name(), inputs[0])?;
        let f = self.0.function;
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, y, dy) = (io.inputs[0].slice(), io.inputs[1].slice(), io.inputs[2].slice());
            pool_grad::<T>(f, &windows, x, y, dy, io.outputs[0].slice());
            Ok(())
        })
        .into()))
    }
}
