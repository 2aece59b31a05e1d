//! `y[o, index[o, j, i], i] += x[o, j, i]` into zeros of length `size` along `axis`: the gradient of
//! `gather_along`.
//!
//! `dx = ` `gather_along` of `dout`.

use super::check;
use super::gather::positions;
use super::gather_along::GatherAlong;
use super::lanes::split;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScatterAlong {
    pub axis: usize,
    pub size: Size,
}

impl Op for ScatterAlong {
    fn name(&self) -> &'static str {
        "scatter_along"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::int(self.name(), "indices", indices)?;
        check::axis(self.name(), self.axis, x)?;
        check::same_shape(self.name(), &x.shape, &indices.shape)?;
        if x.dtype == DType::Bool {
            return Err(Error::dtype(self.name(), "x of numbers", "bool"));
        }
        let mut shape = x.shape.clone();
        shape[self.axis] = self.size;
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let indices = b.inputs[1];
        let dx = b
            .graph
            .push(GatherAlong { axis: self.axis }, &[dout, indices])?;
        Ok(vec![Some(dx), None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (_, n, inner) = split(inputs[0].dims(), self.axis);
        let size = self.size.get();
        let name = self.name();
        let kernel = with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice::<T>());
            out.fill(T::ZERO);
            for (at, position) in positions(name, &io.inputs[1], size).enumerate() {
                let to = (at / (n * inner) * size + position?) * inner + at % inner;
                out[to] = out[to].add(x[at]);
            }
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
