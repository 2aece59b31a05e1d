//! `y = x` under another shape of as many elements, in C order; nothing is copied.
//!
//! `dx = dout` under the shape of `x`.

use super::build::Build;
use super::check;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::tensor::{show, Element, Spec};
use crate::with_dtype;
use std::sync::Arc;

#[derive(Debug)]
pub struct Reshape {
    pub shape: Vec<usize>,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Reshape {
        shape: r.sizes("shape")?,
    }))
}

/// Forward of the ops that give their input's elements unchanged.
pub fn copy(io: &mut Io) {
    with_dtype!(io.inputs[0].spec.dtype, T => {
        let x: &[T] = io.inputs[0].slice();
        T::slice_mut(&mut io.outputs[0].data).copy_from_slice(x);
    });
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let out = Spec::new(self.shape.clone(), x.dtype);
        if out.len() != x.len() {
            return Err(Error::shape(
                self.name(),
                format!("a shape of {} elements as {} has", x.len(), show(&x.shape)),
                show(&self.shape),
            ));
        }
        Ok(vec![out])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        copy(io);
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let shape = b.spec(b.inputs[0]).shape;
        Ok(vec![Some(b.graph.reshape(dout, &shape)?)])
    }

    fn is_view(&self) -> bool {
        true
    }
}
