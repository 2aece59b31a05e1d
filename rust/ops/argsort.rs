//! `y` such that `x[y]` ascends along `axis`; equal elements keep their order, NaN comes last. int32.

use super::check;
use super::lanes::{map_lanes, split};
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::tensor::{DType, Element, Spec};
use crate::with_dtype;
use std::cmp::Ordering;
use std::sync::Arc;

#[derive(Debug)]
pub struct Argsort {
    pub axis: usize,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Argsort {
        axis: r.size("axis")?,
    }))
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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let lanes = split(&io.inputs[0].spec.shape, self.axis);
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let out = i32::slice_mut(&mut io.outputs[0].data);
            map_lanes(io.inputs[0].slice::<T>(), out, lanes, lanes.1, |x, y| {
                (0..y.len()).for_each(|i| y[i] = i as i32);
                y.sort_by(|a, b| ascending(&x[*a as usize], &x[*b as usize]));
            });
        });
        Ok(())
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}
