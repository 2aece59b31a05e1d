//! `y` such that `x[y]` ascends along `axis`; equal elements keep their order, NaN comes last. int32.

use super::check;
use super::lanes::{map_lanes, split};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::run::{Kernel, Prepared};
use crate::tensor::{DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argsort {
    pub axis: usize,
}

/// The order of numbers with NaN, which equals itself, above all.
pub fn ascending<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| {
        let nan = |x: &T| x.partial_cmp(x).is_none();
        nan(a).cmp(&nan(b))
    })
}

impl Op for Argsort {
    fn name(&self) -> &'static str {
        "argsort"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::axis(self.name(), self.axis, x)?;
        Ok(vec![Spec::new(x.shape.clone(), DType::I32)])
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let lanes = split(inputs[0].dims(), self.axis);
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            map_lanes(x, out, lanes, lanes.1, |x, y: &mut [i32]| {
                (0..y.len()).for_each(|i| y[i] = i as i32);
                y.sort_by(|a, b| ascending(&x[*a as usize], &x[*b as usize]));
            });
            Ok(())
        })
        .into()))
    }
}
