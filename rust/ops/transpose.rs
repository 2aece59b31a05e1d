//! `y[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...]`: output axis `k` is input axis `axes[k]`.
//!
//! `dx = dout` under the inverse permutation.

use super::build::Build;
use super::check;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::strided::{array, array_mut, copy};
use crate::tensor::{show, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct Transpose {
    pub axes: Vec<usize>,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Transpose {
        axes: r.sizes("axes")?,
    }))
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        if sorted != (0..x.rank()).collect::<Vec<_>>() {
            return Err(Error::shape(
                self.name(),
                format!("axes that permute 0..{}", x.rank()),
                show(&self.axes),
            ));
        }
        let shape: Vec<usize> = self.axes.iter().map(|&a| x.shape[a]).collect();
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let (from, to) = (&io.inputs[0].spec.shape, &io.outputs[0].spec.shape);
        with_dtype!(io.inputs[0].spec.dtype, T => {
            let x = array::<T>(io.inputs[0].slice(), from).permuted_axes(&self.axes[..]);
            copy(x, array_mut(T::slice_mut(&mut io.outputs[0].data), to));
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let mut inverse = vec![0; self.axes.len()];
        for (to, &from) in self.axes.iter().enumerate() {
            inverse[from] = to;
        }
        Ok(vec![Some(b.graph.transpose(dout, &inverse)?)])
    }
}
