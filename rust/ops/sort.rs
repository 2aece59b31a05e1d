//! `y = x` in ascending order along `axis`, NaN last.
//!
//! `dx[argsort] = dout`: the op `scatter_along` by `argsort`.

use super::argsort::{ascending, Argsort};
use super::check;
use super::lanes::{map_lanes, split};
use super::scatter_along::ScatterAlong;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    axis: usize,
}

impl Op for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::axis(self.name(), self.axis, x)?;
        Ok(vec![x.clone()])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.inputs[0];
        let size = b.spec(x).shape[self.axis];
        let order = b.graph.push(Argsort { axis: self.axis }, &[x])?;
        let op = ScatterAlong {
            axis: self.axis,
            size,
        };
        Ok(vec![Some(b.graph.push(op, &[dout, order])?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let lanes = split(inputs[0].dims(), self.axis);
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            map_lanes(x, out, lanes, lanes.1, |x, y| {
                y.copy_from_slice(x);
                y.sort_by(ascending);
            });
            Ok(())
        })
        .into()))
    }
}
