//! `y`, as it is given, where `y = forward(x)`, with a derivative of the user's own: `dx = backward(x, dy)`.
//!
//! Inputs, in order: y, then x, which are those of `forward`. The inputs of `backward` are x, then the gradients
//! by each y; its outputs the gradients by those x that `wrt` counts. Nothing flows to y, which has been computed
//! from x, nor to other x. What `backward` computes as `forward` does is computed once. Once a graph has been
//! differentiated the node is no more needed (`fusions/given_values.rs`).

use super::body::Body;
use super::build::Build;
use super::check;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::run::{Io, Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_dtype;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomGradient {
    pub forward: Body,
    pub backward: Body,
    /// Numbers of x.
    pub wrt: Vec<usize>,
}

impl CustomGradient {
    fn check_counts(&self, read: usize) -> Result<()> {
        let name = self.name();
        if let Some(at) = self.wrt.iter().find(|at| **at >= read) {
            let expected = format!("wrt below {read}");
            return Err(Error::attribute(name, expected, at.to_string()));
        }
        let counts = (read + self.forward.outputs.len(), self.wrt.len());
        let got = (self.backward.inputs, self.backward.outputs.len());
        match got == counts {
            true => Ok(()),
            false => {
                let words = |(a, b)| format!("{a} inputs and {b} outputs");
                let expected = format!("a backward of {}", words(counts));
                Err(Error::attribute(name, expected, words(got)))
            }
        }
    }
}

impl Op for CustomGradient {
    fn name(&self) -> &'static str {
        "custom_gradient"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let name = self.name();
        let (values, mut given) = values_and_read(name, &self.forward, inputs)?;
        self.check_counts(given.len())?;
        for value in &values {
            check::float(name, "what the function gives", value)?;
        }
        given.extend(values.iter().cloned());
        let built = self.backward.build(&given)?;
        for (gradient, at) in built.outputs.iter().zip(&self.wrt) {
            let (gradient, x) = (built.graph.spec(*gradient), &given[*at]);
            if !gradient.may_be(x) || !x.dtype.is_float() {
                let expected = format!("a gradient like a float argument, {x}");
                return Err(Error::shape(name, expected, gradient.to_string()));
            }
        }
        Ok(values)
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let count = b.outputs.len();
        let mut given = b.inputs[count..].to_vec();
        for at in 0..count {
            given.push(match b.douts[at] {
                Some(dout) => dout,
                None => b.graph.zeros_like(b.outputs[at])?,
            });
        }
        let found = self.backward.push(b.graph, &given)?;
        let mut gradients = vec![None; b.inputs.len()];
        for (at, gradient) in self.wrt.iter().zip(found) {
            gradients[count + at] = Some(gradient);
        }
        Ok(gradients)
    }

    fn prepare(&self, _inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        Ok(first_inputs(outputs.len()).into())
    }
}

/// The specs of what a body gives, which are the first inputs, and of what it reads, the others.
pub fn values_and_read(op: &str, body: &Body, inputs: &[&Spec]) -> Result<(Vec<Spec>, Vec<Spec>)> {
    let count = body.outputs.len();
    let expected = count.saturating_add(body.inputs);
    if count == 0 || inputs.len() != expected {
        let expected = format!("{expected} inputs, of a body with outputs");
        return Err(Error::attribute(op, expected, inputs.len().to_string()));
    }
    let mut values: Vec<Spec> = inputs.iter().map(|x| (*x).clone()).collect();
    let read = values.split_off(count);
    let built = body.build(&read)?;
    for (value, made) in values.iter().zip(&built.outputs) {
        let made = built.graph.spec(*made);
        if !made.may_be(value) {
            let expected = format!("an input like what the body gives, {made}");
            return Err(Error::shape(op, expected, value.to_string()));
        }
    }
    Ok((values, read))
}

/// A kernel whose outputs are its first inputs.
pub fn first_inputs(count: usize) -> Kernel {
    let run = move |io: &mut Io| {
        for (from, to) in io.inputs.iter().zip(io.outputs.iter_mut()).take(count) {
            if from.in_place.is_none() {
                with_dtype!(from.spec.dtype, T => {
                    to.slice::<T>().copy_from_slice(from.slice());
                });
            }
        }
        Ok(())
    };
    Kernel::new(run).over((0..count).map(|at| (at, at)))
}
