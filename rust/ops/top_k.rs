//! The `k` largest elements of the last axis in descending order, and their int32 indices; of equal
//! elements the one with the lower index comes first.
//!
//! `dx[index] = dvalue`: the op `scatter_along`.

use super::argsort::ascending;
use super::check;
use super::lanes::{map_lanes, split};
use super::scatter_along::ScatterAlong;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopK {
    k: usize,
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::ranked(self.name(), "x", x)?;
        let mut shape = x.shape.clone();
        let last = shape.len() - 1;
        if shape[last].surely_below(self.k) {
            return Err(Error::shape(
                self.name(),
                format!("a last axis of {} or more", self.k),
                show(&x.shape),
            ));
        }
        shape[last] = Size::of(self.k);
        Ok(vec![
            Spec::new(shape.clone(), x.dtype),
            Spec::new(shape, DType::I32),
        ])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let Some(dout) = b.douts[0] else {
            return Ok(vec![None]);
        };
        let x = b.spec(b.inputs[0]);
        let op = ScatterAlong {
            axis: x.rank() - 1,
            size: x.shape[x.rank() - 1],
        };
        let indices = b.outputs[1];
        Ok(vec![Some(b.graph.push(op, &[dout, indices])?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let shape = inputs[0].dims();
        let lanes = split(shape, shape.len() - 1);
        let k = self.k;
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x: &[T] = io.inputs[0].slice();
            let (values, indices) = io.outputs.split_at_mut(1);
            let indices = indices[0].slice::<i32>();
            map_lanes(x, indices, lanes, k, |x, y| {
                let mut order = room(0i32, x.len());
                order.iter_mut().enumerate().for_each(|(at, i)| *i = at as i32);
                let first = |a: &i32, b: &i32| {
                    ascending(&x[*b as usize], &x[*a as usize]).then(a.cmp(b))
                };
                if k < order.len() {
                    order.select_nth_unstable_by(k, first);
                    order.truncate(k);
                }
                order.sort_unstable_by(first);
                y.copy_from_slice(&order);
            });
            for (at, value) in values[0].slice::<T>().iter_mut().enumerate() {
                *value = x[at / k * lanes.1 + indices[at] as usize];
            }
            Ok(())
        })
        .into()))
    }
}
