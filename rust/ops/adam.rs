//! `m' = m + (g - m)(1 - beta_1)`, `v' = v + (g^2 - v)(1 - beta_2)`,
//! `w' = w - alpha m' / (sqrt(v') + epsilon)`: a step of Adam (Kingma & Ba 2014), where
//! `alpha = rate * sqrt(1 - beta_2^t) / (1 - beta_1^t)` holds both bias corrections.
//!
//! Inputs w, g, m, v of one shape and alpha (); outputs w', m', v', written over w, m, v. An update, so
//! it has no derivative.

use super::check;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Io, Op};
use crate::kernels::number::Number;
use crate::kernels::update;
use crate::tensor::{Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct Adam {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Adam {
        beta_1: r.float("beta_1")?,
        beta_2: r.float("beta_2")?,
        epsilon: r.float("epsilon")?,
    }))
}

/// The input that each output starts from.
const FROM: [usize; 3] = [0, 2, 3];

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

    fn forward(&self, io: &mut Io) -> Result<()> {
        let [w, m, v] = io.outputs else {
            unreachable!("adam has three outputs");
        };
        with_float!(w.spec.dtype, T => {
            for (output, from) in [&mut *w, &mut *m, &mut *v].into_iter().zip(FROM) {
                if io.inputs[from].in_place.is_none() {
                    output.slice::<T>().copy_from_slice(io.inputs[from].slice());
                }
            }
            let constants = update::Adam {
                rest_1: <T as Number>::from_f64(1.0 - self.beta_1),
                rest_2: <T as Number>::from_f64(1.0 - self.beta_2),
                epsilon: <T as Number>::from_f64(self.epsilon),
                alpha: io.inputs[4].slice::<T>()[0],
            };
            update::adam::<T>(
                T::slice_mut(&mut w.data),
                T::slice_mut(&mut m.data),
                T::slice_mut(&mut v.data),
                io.inputs[1].slice(),
                constants,
            );
        });
        Ok(())
    }

    fn in_place(&self, input: usize, output: usize) -> bool {
        FROM[output] == input
    }
}
