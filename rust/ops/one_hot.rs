//! `y[..., c] = (labels[...] == c)` for `c` in `0..depth`; a label outside gives a row of zeros.
//!
//! No gradient flows to labels.

use super::check;
use super::named;
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHot {
    pub depth: Size,
    #[serde(with = "named")]
    pub dtype: DType,
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

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let depth = self.depth.get();
        Ok(
            with_dtype!(inputs[0].dtype, I => with_dtype!(self.dtype, T => Kernel::new(move |io| {
            let (labels, out) = (io.inputs[0].slice::<I>(), io.outputs[0].slice::<T>());
            out.fill(T::ZERO);
            for (row, label) in labels.iter().enumerate() {
                let label = label.to_f64();
                if label >= 0.0 && label < depth as f64 {
                    out[row * depth + label as usize] = T::ONE;
                }
            }
            Ok(())
        })
        .into())),
        )
    }
}
