//! `y[o, j..., i] = x[o, index[j...], i]` along `axis`: NumPy's `take`; negative indices count from
//! the end.
//!
//! `dx = ` the op `scatter_add` of `dout`. An index outside `[-n, n)` is a `DataError`.

use super::check;
use super::lanes::split;
use super::scatter_add::ScatterAdd;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::rows::parallel_rows;
use crate::memory::room;
use crate::run::{Input, Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gather {
    pub axis: usize,
}

/// The indices as positions in `0..n`.
pub fn positions<'a>(
    op: &'a str,
    indices: &Input<'a>,
    n: usize,
) -> impl Iterator<Item = Result<usize>> + 'a {
    let data = indices.data;
    (0..indices.spec.len()).map(move |i| {
        let raw = data.integer(i);
        let wrapped = if raw < 0 { raw + n as i64 } else { raw };
        match (0..n as i64).contains(&wrapped) {
            true => Ok(wrapped as usize),
            false => Err(Error::data(
                op,
                format!("indices in [-{n}, {n})"),
                raw.to_string(),
            )),
        }
    })
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, indices] = check::count(self.name(), inputs)?;
        check::axis(self.name(), self.axis, x)?;
        check::int(self.name(), "indices", indices)?;
        let mut shape = x.shape[..self.axis].to_vec();
        shape.extend(&indices.shape);
        shape.extend(&x.shape[self.axis + 1..]);
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let size = b.spec(b.inputs[0]).shape[self.axis];
        let op = ScatterAdd {
            axis: self.axis,
            size,
        };
        let indices = b.inputs[1];
        Ok(vec![Some(b.graph.push(op, &[dout, indices])?), None])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (_, n, inner) = split(inputs[0].dims(), self.axis);
        let count = inputs[1].len();
        let name = self.name();
        let kernel = with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            let mut rows = room(0, count);
            for (row, position) in rows.iter_mut().zip(positions(name, &io.inputs[1], n)) {
                *row = position? * inner;
            }
            parallel_rows(out, inner, |first, out| {
                for (at, out) in (first..).zip(out.chunks_mut(inner)) {
                    let from = at / count * n * inner + rows[at % count];
                    out.copy_from_slice(&x[from..from + inner]);
                }
            });
            Ok(())
        }));
        Ok(kernel.fallible(true).into())
    }
}
