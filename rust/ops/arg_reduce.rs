//! The int32 index of the largest (argmax) or smallest (argmin) element along `axis`; the first of
//! equal ones; NaN counts as the extreme, as in NumPy.

use super::check;
use super::lanes::{map_lanes, split};
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::fold::{fold, Fold};
use crate::kernels::number::Number;
use crate::tensor::{show, DType, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

const TABLE: &[(&str, bool)] = &[("argmax", true), ("argmin", false)];

#[derive(Debug)]
pub struct ArgReduce {
    largest: bool,
    axis: usize,
}

pub fn functions() -> Vec<&'static str> {
    TABLE.iter().map(|(name, _)| *name).collect()
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(ArgReduce {
        largest: r.one_of("function", TABLE)?,
        axis: r.size("axis")?,
    }))
}

/// The first element that equals the extreme of all, or is NaN.
fn index<T: Number>(x: &[T], largest: bool) -> i32 {
    let extreme = fold(if largest { Fold::Max } else { Fold::Min }, x);
    #[allow(clippy::eq_op)]
    let found = match extreme == extreme {
        true => x.iter().position(|v| *v == extreme),
        false => x.iter().position(|v| *v != *v),
    };
    found.expect("a fold gives one of its elements") as i32
}

impl Op for ArgReduce {
    fn name(&self) -> &'static str {
        "arg_reduce"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::axis(self.name(), self.axis, x)?;
        if x.shape[self.axis] == 0 {
            return Err(Error::shape(
                self.name(),
                format!("axis {} not empty", self.axis),
                show(&x.shape),
            ));
        }
        let mut shape = x.shape.clone();
        shape.remove(self.axis);
        Ok(vec![Spec::new(shape, DType::I32)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let lanes = split(&io.inputs[0].spec.shape, self.axis);
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let out = i32::slice_mut(&mut io.outputs[0].data);
            map_lanes(io.inputs[0].slice::<T>(), out, lanes, 1, |x, y| {
                y[0] = index(x, self.largest);
            });
        });
        Ok(())
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}
