//! `y[o, j, i] = x[o, index[o, j, i], i]` along `axis`: NumPy's `take_along_axis`. The shapes agree
//! but for that axis.
//!
//! `dx = ` the op `scatter_along` of `dout`. An index outside `[-n, n)` is a `DataError`.

use super::check;
use super::gather::positions;
use super::lanes::split;
use super::scatter_along::ScatterAlong;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::run::{Kernel, Prepared};
use crate::tensor::{show, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatherAlong {
    pub axis: usize,
}

/// Both of one rank, with the same sizes but for `axis`.
pub fn agree(op: &str, x: &Spec, indices: &Spec, axis: usize) -> Result<()> {
    check::axis(op, axis, x)?;
    let fits = x.rank() == indices.rank()
        && (0..x.rank()).all(|a| a == axis || x.shape[a].may_be(indices.shape[a]));
    match fits {
        true => Ok(()),
        false => Err(Error::shape(
            op,
            format!("indices of {} but for axis {axis}", show(&x.shape)),
            show(&indices.shape),
        )),
    }
}

impl Op for GatherAlong {
    fn name(&self) -> &'static str {
        "gather_along"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::int(self.name(), "indices", indices)?;
        agree(self.name(), x, indices, self.axis)?;
        Ok(vec![Spec::new(indices.shape.clone(), x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let op = ScatterAlong {
            axis: self.axis,
            size: b.spec(b.inputs[0]).shape[self.axis],
        };
        let indices = b.inputs[1];
        Ok(vec![Some(b.graph.push(op, &[dout, indices])?), None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (_, n, inner) = split(inputs[0].dims(), self.axis);
        let per = inputs[1].dims()[self.axis] * inner;
        let name = self.name();
        let kernel = with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            for (at, position) in positions(name, &io.inputs[1], n).enumerate() {
                out[at] = x[(at / per * n + position?) * inner + at % inner];
            }
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
