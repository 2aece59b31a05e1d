//! `X_k = sum_i x_i exp(-2 pi i k i / n)` of the complex rows x (..., n), as real and imaginary parts; with
//! `inverse` the exponent is positive, and `mean` divides all by n: with both, the inverse.
//!
//! `dx` is the transform of dX the other way, with the same `mean`. (Cooley & Tukey 1965, "An algorithm for
//! the machine calculation of complex Fourier series".)

use super::rfft::{both_grads, length, parts};
use crate::error::Result;
use crate::graph::{Backward, Op, Value};
use crate::kernels::fourier::Complex;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fft {
    inverse: bool,
    mean: bool,
}

impl Op for Fft {
    fn name(&self) -> &'static str {
        "fft"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [re, _] = parts(self.name(), inputs)?;
        length(self.name(), re)?;
        Ok(vec![re.clone(); 2])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let grads = both_grads(b)?;
        let op = Fft {
            inverse: !self.inverse,
            mean: self.mean,
        };
        let grads = b.graph.push_node(std::sync::Arc::new(op), &grads)?;
        Ok(grads.into_iter().map(Some).collect())
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        if inputs[0].is_empty() {
            return Ok(Kernel::new(|_| Ok(())).into());
        }
        let n = length(self.name(), inputs[0])?.get();
        let factor = if self.mean { 1.0 / n as f64 } else { 1.0 };
        Ok(with_float!(inputs[0].dtype, T => {
            let rows = Complex::<T>::new(n, self.inverse, factor);
            Kernel::new(move |io| {
                let x = [0, 1].map(|part| io.inputs[part].slice());
                if let [re, im] = &mut *io.outputs {
                    rows.run(x, [re.slice(), im.slice()]);
                }
                Ok(())
            })
            .into()
        }))
    }
}
