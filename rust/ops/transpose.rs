//! `y[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...]`: output axis `k` is input axis `axes[k]`.
//!
//! `dx = dout` under the inverse permutation.

use super::build::Build;
use super::check;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::strided::{array, array_mut, copy};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transpose {
    pub axes: Vec<usize>,
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
        let shape: Vec<Size> = self.axes.iter().map(|&a| x.shape[a]).collect();
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let mut inverse = vec![0; self.axes.len()];
        for (to, &from) in self.axes.iter().enumerate() {
            inverse[from] = to;
        }
        Ok(vec![Some(b.graph.transpose(dout, &inverse)?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let (from, to) = (inputs[0].dims().to_vec(), outputs[0].dims().to_vec());
        let axes = self.axes.clone();
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let x = array::<T>(io.inputs[0].slice(), &from).permuted_axes(&axes[..]);
            copy(x, array_mut(io.outputs[0].slice(), &to));
            Ok(())
        })
        .into()))
    }
}
