//! `y[..., i, ...] = i` along `axis`.

use super::check;
use super::lanes::split;
use super::named;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::size::{dims, Size};
use crate::tensor::{show, DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iota {
    shape: Vec<Size>,
    axis: usize,
    #[serde(with = "named")]
    dtype: DType,
}

impl Iota {
    pub fn new(shape: Vec<Size>, axis: usize, dtype: DType) -> Self {
        Iota { shape, axis, dtype }
    }
}

impl Op for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [] = check::count(self.name(), inputs)?;
        if self.axis >= self.shape.len() {
            return Err(Error::shape(
                self.name(),
                format!("an axis below the rank of {}", show(&self.shape)),
                format!("axis {}", self.axis),
            ));
        }
        Ok(vec![Spec::new(&self.shape, self.dtype)])
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (_, n, inner) = split(dims(&self.shape), self.axis);
        Ok(with_dtype!(self.dtype, T => Kernel::new(move |io| {
            for (at, out) in io.outputs[0].slice::<T>().iter_mut().enumerate() {
                *out = T::from_f64((at / inner % n) as f64);
            }
            Ok(())
        })
        .into()))
    }
}
