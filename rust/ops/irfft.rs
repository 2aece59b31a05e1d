//! `x_i = sum_k c_k Re(X_k exp(2 pi i k i / n))` for i from 0 to n - 1, of the spectra X (..., n/2 + 1) as real
//! and imaginary parts; x (..., n) with n the `length`. `c_k` is 1; with `both` it is 2 where X_k stands for its
//! conjugate X_{n-k} too, and `mean` divides all by n: with both, x is the inverse of `rfft`.
//!
//! The imaginary parts of X_0, and of X_{n/2} for an even n, have no part in x, and their gradient is 0.
//! `dX` is `rfft` of dx with the same `both` and `mean`. (Cooley & Tukey 1965.)

use super::rfft::{length, parts, Rfft};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::fourier::Real;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Irfft {
    pub length: Size,
    pub both: bool,
    pub mean: bool,
}

impl Op for Irfft {
    fn name(&self) -> &'static str {
        "irfft"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [re, _] = parts(self.name(), inputs)?;
        let bins = length(self.name(), re)?;
        if self.length == Size::ZERO {
            return Err(Error::attribute(self.name(), "a length of 1 or more", "0"));
        }
        let wanted = self.length.floor_div(2) + 1;
        if !bins.may_be(wanted) {
            return Err(Error::shape(
                self.name(),
                format!("a last axis of {wanted}, for a length of {}", self.length),
                show(&re.shape),
            ));
        }
        let mut shape = re.shape.clone();
        shape[re.rank() - 1] = self.length;
        Ok(vec![Spec::new(shape, re.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let op = Rfft {
            both: self.both,
            mean: self.mean,
        };
        let grads = b.graph.push_node(std::sync::Arc::new(op), &[dout])?;
        Ok(grads.into_iter().map(Some).collect())
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        if outputs[0].is_empty() {
            return Ok(Kernel::new(|_| Ok(())).into());
        }
        let n = self.length.get();
        let once = if self.mean { 1.0 / n as f64 } else { 1.0 };
        // The transform counts a number and its conjugate.
        let twice = if self.both { once } else { 0.5 * once };
        Ok(with_float!(inputs[0].dtype, T => {
            let rows = Real::<T>::new(n, once, twice);
            Kernel::new(move |io| {
                let [re, im] = [0, 1].map(|part| io.inputs[part].slice());
                rows.synthesise([re, im], io.outputs[0].slice());
                Ok(())
            })
            .into()
        }))
    }
}
