//! `y = 0` but `y[start_0 + i*step_0, ...] = x[i, ...]`: the gradient of `slice`, and padding by
//! zeros.
//!
//! `dx[i, ...] = dout[start_0 + i*step_0, ...]`, which is `slice`.

use super::check;
use super::slice::{cut, is_inside, Slice};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::strided::{array, array_mut, copy};
use crate::run::{Kernel, Prepared};
use crate::size::{dims, signed, Size};
use crate::tensor::{show, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SliceGrad {
    pub shape: Vec<Size>,
    #[serde(deserialize_with = "signed")]
    pub start: Vec<Size>,
    pub step: Vec<i64>,
}

impl Op for SliceGrad {
    fn name(&self) -> &'static str {
        "slice_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let rank = x.rank();
        if self.shape.len() != rank || self.start.len() != rank || self.step.len() != rank {
            return Err(Error::shape(
                self.name(),
                format!(
                    "shape, start and step of length {rank} for {}",
                    show(&x.shape)
                ),
                format!(
                    "lengths {}, {} and {}",
                    self.shape.len(),
                    self.start.len(),
                    self.step.len()
                ),
            ));
        }
        for axis in 0..rank {
            let (n, size) = (self.shape[axis], x.shape[axis]);
            let (start, step) = (self.start[axis], self.step[axis]);
            if step == 0 || !is_inside(n, start, step, size) {
                return Err(Error::shape(
                    self.name(),
                    format!("{size} elements inside 0..{n} on axis {axis}"),
                    format!("start {start}, step {step}"),
                ));
            }
        }
        Ok(vec![Spec::new(&self.shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.spec(b.inputs[0]);
        let stop: Vec<Size> = (0..x.rank())
            .map(|a| match x.shape[a] {
                Size::ZERO => self.start[a],
                n => {
                    let step = self.step[a] as isize;
                    self.start[a] + (n - 1) * Size::signed(step) + Size::signed(step.signum())
                }
            })
            .collect();
        let op = Slice {
            start: self.start.clone(),
            stop,
            step: self.step.clone(),
        };
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let (from, to) = (inputs[0].dims().to_vec(), dims(&self.shape).to_vec());
        let SliceGrad { start, step, .. } = self.clone();
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let out = io.outputs[0].slice::<T>();
            out.fill(T::default());
            let mut part = array_mut(out, &to);
            cut(&mut part, &start, &step, &from);
            copy(array(io.inputs[0].slice(), &from), part);
            Ok(())
        })
        .into()))
    }
}
