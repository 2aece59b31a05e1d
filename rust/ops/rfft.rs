//! `X_k = c_k sum_i x_i exp(-2 pi i k i / n)` for k from 0 to n/2 of the real rows x (..., n), as real and
//! imaginary parts (..., n/2 + 1). `c_k` is 1; with `both` it is 2 where X_k stands for its conjugate X_{n-k}
//! too, and `mean` divides all by n.
//!
//! `dx_i = sum_k c_k Re(dX_k exp(2 pi i k i / n))`, which is `irfft` with the same `both` and `mean`.
//! (Cooley & Tukey 1965, "An algorithm for the machine calculation of complex Fourier series".)

use super::build::Build;
use super::check;
use super::irfft::Irfft;
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
pub struct Rfft {
    pub both: bool,
    pub mean: bool,
}

/// The size of the last axis, of which a transform needs one element.
pub fn length(op: &str, x: &Spec) -> Result<Size> {
    check::ranked(op, "x", x)?;
    match x.shape[x.rank() - 1] {
        Size::ZERO => Err(Error::shape(
            op,
            "a last axis of 1 element or more",
            show(&x.shape),
        )),
        n => Ok(n),
    }
}

/// Real and imaginary part: floats of one shape and dtype.
pub fn parts<'a>(op: &str, inputs: &[&'a Spec]) -> Result<[&'a Spec; 2]> {
    let [re, im] = check::count(op, inputs)?;
    check::float(op, "real part", re)?;
    check::same_dtype(op, re, im)?;
    check::same_shape(op, &re.shape, &im.shape)?;
    Ok([re, im])
}

/// The gradients by real and imaginary part, zeros for one that did not come.
pub fn both_grads(b: &mut Backward) -> Result<[Value; 2]> {
    let mut grads = [b.outputs[0], b.outputs[1]];
    for (grad, dout) in grads.iter_mut().zip(&b.douts) {
        *grad = match dout {
            Some(dout) => *dout,
            None => b.graph.zeros_like(*grad)?,
        };
    }
    Ok(grads)
}

impl Op for Rfft {
    fn name(&self) -> &'static str {
        "rfft"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        let mut shape = x.shape.clone();
        shape[x.rank().saturating_sub(1)..].fill(length(self.name(), x)?.floor_div(2) + 1);
        Ok(vec![Spec::new(shape, x.dtype); 2])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let x = b.spec(b.inputs[0]);
        let op = Irfft {
            length: length(self.name(), &x)?,
            both: self.both,
            mean: self.mean,
        };
        let grads = both_grads(b)?;
        Ok(vec![Some(b.graph.push(op, &grads)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        if inputs[0].is_empty() {
            return Ok(Kernel::new(|_| Ok(())).into());
        }
        let n = length(self.name(), inputs[0])?.get();
        let once = if self.mean { 1.0 / n as f64 } else { 1.0 };
        let twice = if self.both { 2.0 * once } else { once };
        Ok(with_float!(inputs[0].dtype, T => {
            let rows = Real::<T>::new(n, once, twice);
            Kernel::new(move |io| {
                let x = io.inputs[0].slice();
                if let [re, im] = &mut *io.outputs {
                    rows.analyse(x, [re.slice(), im.slice()]);
                }
                Ok(())
            })
            .into()
        }))
    }
}
