//! `y_i = x_i - log sum_j exp(x_j)` along `axis`.
//!
//! `dx = dout - exp(y) * sum(dout)`. Floats of any shape.

use super::build::Build;
use super::check;
use super::lanes::{map_rows, split};
use super::reduce::Reduction;
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::map::Unary;
use crate::kernels::softmax::log_softmax;
use crate::tensor::{Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Debug)]
pub struct LogSoftmax {
    pub axis: usize,
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(LogSoftmax {
        axis: r.size("axis")?,
    }))
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        check::axis(self.name(), self.axis, x)?;
        Ok(vec![x.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let lanes = split(&io.inputs[0].spec.shape, self.axis);
        with_float!(io.inputs[0].spec.dtype, T => {
            let out = T::slice_mut(&mut io.outputs[0].data);
            map_rows(io.inputs[0].slice::<T>(), out, lanes, |x, y| log_softmax(x, y, lanes.1));
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let y = b.outputs[0];
        let g = &mut *b.graph;
        let sum = g.reduce(Reduction::Sum, dout, &[self.axis], true)?;
        let p = g.unary(Unary::Exp, y)?;
        let share = g.mul(p, sum)?;
        Ok(vec![Some(g.sub(dout, share)?)])
    }
}
