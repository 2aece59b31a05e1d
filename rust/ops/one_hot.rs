//! `y[..., c] = (labels[...] == c)` for `c` in `0..depth`; a label outside gives a row of zeros.
//!
//! No gradient flows to labels.

use super::check;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::number::Number;
use crate::tensor::{DType, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct OneHot {
    depth: usize,
    dtype: DType,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(OneHot {
        depth: r.size("depth")?,
        dtype: r.dtype("dtype")?,
    }))
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "one_hot"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [labels] = check::count(self.name(), inputs)?;
        check::int(self.name(), "labels", labels)?;
        let mut shape = labels.shape.clone();
        shape.push(self.depth);
        Ok(vec![Spec::new(shape, self.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        with_dtype!(io.inputs[0].spec.dtype, I => {
            with_dtype!(self.dtype, T => {
                let labels: &[I] = io.inputs[0].slice();
                let out = T::slice_mut(&mut io.outputs[0].data);
                out.fill(T::ZERO);
                for (row, label) in labels.iter().enumerate() {
                    let label = label.to_f64();
                    if label >= 0.0 && label < self.depth as f64 {
                        out[row * self.depth + label as usize] = T::ONE;
                    }
                }
            })
        });
        Ok(())
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}
