//! `m' = m + (g - m)(1 - beta_1)`, `v' = v + (g^2 - v)(1 - beta_2)`,
//! `w' = w - alpha m' / (sqrt(v') + epsilon)`: a step of Adam (Kingma & Ba 2014), where
//! `alpha = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)` holds both bias corrections.
//!
//! Inputs w, g, m, v of one shape and alpha (); outputs w', m', v', written over w, m, v. An update, so
//! it has no derivative.

use super::check;
use crate::error::Result;
use crate::graph::Op;
use crate::kernels::number::Number;
use crate::kernels::update;
use crate::run::{Io, Kernel, Prepared};
use crate::tensor::{Element, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

/// The input that each output starts from.
const FROM: [usize; 3] = [0, 2, 3];

impl Adam {
    /// The constants of a step at this rate.
    pub fn constants<T: Number>(&self, alpha: T) -> update::Adam<T> {
        update::Adam {
            rest_1: T::from_f64(1.0 - self.beta_1),
            rest_2: T::from_f64(1.0 - self.beta_2),
            epsilon: T::from_f64(self.epsilon),
            alpha,
        }
    }
}

/// Copies into each output the input that it starts from, unless it lies there.
pub fn start<T: Element>(io: &mut Io, from: [usize; 3]) {
    for (output, from) in io.outputs.iter_mut().zip(from) {
        if io.inputs[from].in_place.is_none() {
            output.slice::<T>().copy_from_slice(io.inputs[from].slice());
        }
    }
}

impl Op for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [w, g, m, v, alpha] = check::count(self.name(), inputs)?;
        check::float(self.name(), "w", w)?;
        for other in [g, m, v] {
            check::same_dtype(self.name(), w, other)?;
            check::same_shape(self.name(), &w.shape, &other.shape)?;
        }
        check::same_dtype(self.name(), w, alpha)?;
        check::same_shape(self.name(), &[], &alpha.shape)?;
        Ok(vec![w.clone(), w.clone(), w.clone()])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let op = self.clone();
        let kernel = with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            start::<T>(io, FROM);
            let [w, m, v] = io.outputs else {
                unreachable!("adam has three outputs");
            };
            let constants = op.constants(io.inputs[4].slice::<T>()[0]);
            let g = io.inputs[1].slice();
            update::adam::<T>(w.slice(), m.slice(), v.slice(), g, constants);
            Ok(())
        }));
        let over = FROM.into_iter().zip(0..);
        Ok(kernel.over(over).into())
    }
}
