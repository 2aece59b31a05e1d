//! The int32 index of the largest (argmax) or smallest (argmin) element along `axis`; the first of
//! equal ones; NaN counts as the extreme, as in NumPy.

use super::check;
use super::lanes::{map_lanes, split};
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::fold::{fold, Fold};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::tensor::{show, DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Extreme {
    Largest,
    Smallest,
}

impl Named for Extreme {
    fn table() -> Vec<(&'static str, Self)> {
        vec![("argmax", Extreme::Largest), ("argmin", Extreme::Smallest)]
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArgReduce {
    #[serde(with = "named")]
    function: Extreme,
    axis: usize,
}

/// The first element that equals the extreme of all, or is NaN.
fn index<T: Number>(x: &[T], function: Extreme) -> i32 {
    let extreme = match function {
        Extreme::Largest => fold(Fold::Max, x),
        Extreme::Smallest => fold(Fold::Min, x),
    };
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

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let lanes = split(inputs[0].dims(), self.axis);
        let function = self.function;
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            map_lanes(x, out, lanes, 1, |x, y| y[0] = index(x, function));
            Ok(())
        })
        .into()))
    }
}
