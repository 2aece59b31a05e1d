//! `y = forward(x)`, code of the user's own that the border calls back; `dx = backward(x, y, dy)`, such code too.
//!
//! Attributes name the code by the number under which the border keeps it ([`register`]). The inputs of `backward`
//! are the inputs, the outputs, then the gradients by the float outputs; its outputs the gradients by the float
//! inputs. It runs before any weight changes, since it can refuse what it gets.

use super::build::Build;
use super::named;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::run::{Input, Kernel, Output, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Code that fills the outputs.
pub trait Callback: Send + Sync {
    fn call(&self, inputs: &[Input], outputs: &mut [Output]) -> Result<()>;
}

/// What is registered, by number, and the next number.
type Known = (BTreeMap<u64, Weak<dyn Callback>>, u64);

static KNOWN: Mutex<Known> = Mutex::new((BTreeMap::new(), 0));

/// The number under which attributes name this code, as long as somebody keeps it.
pub fn register(callback: &Arc<dyn Callback>) -> u64 {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (codes, next) = &mut *known;
    codes.retain(|_, code| code.strong_count() > 0);
    *next += 1;
    codes.insert(*next, Arc::downgrade(callback));
    *next
}

/// Registered code.
#[derive(Clone)]
struct Code {
    number: u64,
    callback: Arc<dyn Callback>,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.number)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.serialize_u64(self.number)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let number = u64::deserialize(from)?;
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let callback = known.0.get(&number).and_then(Weak::upgrade);
        let callback =
            callback.ok_or_else(|| D::Error::custom("the number of a function that is kept"))?;
        Ok(Code { number, callback })
    }
}

/// Shape and dtype of an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    shape: Vec<Size>,
    #[serde(with = "named")]
    dtype: DType,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumpyFunction {
    forward: Code,
    backward: Option<Code>,
    outputs: Vec<Made>,
}

impl Op for NumpyFunction {
    fn name(&self) -> &'static str {
        "numpy_function"
    }

    fn shape(&self, _inputs: &[&Spec]) -> Result<Vec<Spec>> {
        if self.outputs.is_empty() {
            return Err(Error::attribute(self.name(), "outputs", "none"));
        }
        let made = self.outputs.iter();
        Ok(made.map(|y| Spec::new(&y.shape, y.dtype)).collect())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let backward = self.backward.clone().ok_or_else(|| {
            let expected = "a function that is given with its backward";
            Error::gradient(self.name(), expected, "one without")
        })?;
        let floats = |values: &[Value], b: &Backward| -> Vec<usize> {
            let is_float = |at: &usize| b.graph.spec(values[*at]).dtype.is_float();
            (0..values.len()).filter(is_float).collect()
        };
        let mut given = [&b.inputs[..], &b.outputs].concat();
        for at in floats(&b.outputs, b) {
            given.push(match b.douts[at] {
                Some(dout) => dout,
                None => b.graph.zeros_like(b.outputs[at])?,
            });
        }
        let places = floats(&b.inputs, b);
        let specs = places.iter().map(|at| b.graph.spec(b.inputs[*at]));
        let outputs = specs.map(|spec| Made {
            shape: spec.shape.to_vec(),
            dtype: spec.dtype,
        });
        let op = NumpyFunction {
            outputs: outputs.collect(),
            forward: backward,
            backward: None,
        };
        let found = b.graph.push_node(Arc::new(op), &given)?;
        let mut gradients = vec![None; b.inputs.len()];
        for (at, gradient) in places.into_iter().zip(found) {
            gradients[at] = Some(gradient);
        }
        Ok(gradients)
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let code = self.forward.callback.clone();
        let kernel = Kernel::new(move |io| code.call(io.inputs, io.outputs));
        Ok(kernel.fallible(true).into())
    }
}
