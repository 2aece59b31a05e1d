//! The bytes of x, the lowest of an element first, read as another dtype: the shape of x where the widths
//! are one; else the last axis grows or shrinks by their ratio. No bool, whose bytes are 0 and 1 alone.
//!
//! No gradient flows: bytes are no numbers.

use super::check;
use super::named;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::tensor::{show, DType, Element, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bitcast {
    #[serde(with = "named")]
    dtype: DType,
}

impl Op for Bitcast {
    fn name(&self) -> &'static str {
        "bitcast"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        if x.dtype == DType::Bool || self.dtype == DType::Bool {
            let got = format!("{} as {}", x.dtype, self.dtype);
            return Err(Error::dtype(self.name(), "dtypes of numbers", got));
        }
        let (from, to) = (x.dtype.size(), self.dtype.size());
        let mut shape = x.shape.clone();
        if from != to {
            check::ranked(self.name(), "x", x)?;
            let last = shape.len() - 1;
            shape[last] = (shape[last] * from).whole_div(to).ok_or_else(|| {
                let expected = format!("a last axis of whole elements of {}", self.dtype);
                Error::shape(
                    self.name(),
                    expected,
                    format!("{} of {}", show(&x.shape), x.dtype),
                )
            })?;
        }
        Ok(vec![Spec::new(shape, self.dtype)])
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (from, to) = (inputs[0].dtype, self.dtype);
        Ok(Kernel::new(move |io| {
            let mut bytes = room(0u8, io.inputs[0].spec.len() * from.size());
            with_dtype!(from, T => {
                let x = io.inputs[0].slice::<T>();
                for (to, v) in bytes.chunks_exact_mut(from.size()).zip(x) {
                    Element::write_bytes(*v, to);
                }
            });
            with_dtype!(to, T => {
                let out = io.outputs[0].slice::<T>();
                for (to, from) in out.iter_mut().zip(bytes.chunks_exact(to.size())) {
                    *to = Element::of_bytes(from);
                }
            });
            Ok(())
        })
        .into())
    }
}
