//! `y[o, index[j...], i] += x[o, j..., i]` into zeros of length `size` along `axis`, in the order of
//! `j`: the gradient of `gather`, and segment sums.
//!
//! `dx = ` `gather` of `dout`.

use super::check;
use super::gather::{positions, Gather};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScatterAdd {
    pub axis: usize,
    pub size: Size,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::int(self.name(), "indices", indices)?;
        if x.dtype == DType::Bool {
            return Err(Error::dtype(self.name(), "x of numbers", "bool"));
        }
        let end = self.axis + indices.rank();
        if end > x.rank() || !check::agree(&x.shape[self.axis..end], &indices.shape) {
            return Err(Error::shape(
                self.name(),
                format!("x with {} at axis {}", show(&indices.shape), self.axis),
                show(&x.shape),
            ));
        }
        let mut shape = x.shape[..self.axis].to_vec();
        shape.push(self.size);
        shape.extend(&x.shape[end..]);
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let indices = b.inputs[1];
        let dx = b.graph.push(Gather { axis: self.axis }, &[dout, indices])?;
        Ok(vec![Some(dx), None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let shape = inputs[0].dims();
        let (count, size) = (inputs[1].len(), self.size.get());
        let outer: usize = shape[..self.axis].iter().product();
        let inner: usize = shape[self.axis + inputs[1].rank()..].iter().product();
        let name = self.name();
        let kernel = with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice::<T>());
            out.fill(T::ZERO);
            for (j, position) in positions(name, &io.inputs[1], size).enumerate() {
                let position = position?;
                for o in 0..outer {
                    let (from, to) = ((o * count + j) * inner, (o * size + position) * inner);
                    for i in 0..inner {
                        out[to + i] = out[to + i].add(x[from + i]);
                    }
                }
            }
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
