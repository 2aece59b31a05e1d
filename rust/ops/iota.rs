//! `y[..., i, ...] = i` along `axis`.

use super::check;
use super::lanes::split;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::number::Number;
use crate::tensor::{show, DType, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct Iota {
    shape: Vec<usize>,
    axis: usize,
    dtype: DType,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Iota {
        shape: r.sizes("shape")?,
        axis: r.size("axis")?,
        dtype: r.dtype("dtype")?,
    }))
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
        Ok(vec![Spec::new(self.shape.clone(), self.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (_, n, inner) = split(&self.shape, self.axis);
        with_dtype!(self.dtype, T => {
            for (at, out) in T::slice_mut(&mut io.outputs[0].data).iter_mut().enumerate() {
                *out = T::from_f64((at / inner % n) as f64);
            }
        });
        Ok(())
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![])
    }
}
