//! `y = log sum exp(x)` over `axes`, shifted by the largest element so that nothing overflows; a
//! group of -infinity only gives -infinity.
//!
//! `dx = dout * exp(x - y)`, computed as `dout * exp(x - max) / sum`.

use super::build::Build;
use super::check;
use super::reduce::{Reduce, Reduction};
use super::stop_gradient::StopGradient;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::{Compare, Unary};
use crate::kernels::softmax::logsumexp;
use crate::kernels::strided::{array, array_mut, copy};
use crate::memory::room;
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logsumexp {
    axes: Vec<usize>,
    keepdims: bool,
}

impl Op for Logsumexp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::float(self.name(), "x", x)?;
        let out = Reduce::of(Reduction::Sum, &self.axes, self.keepdims)
            .shape(inputs)
            .map_err(|e| e.of_op(self.name()))?;
        match self.axes.iter().any(|&a| x.shape[a] == 0) {
            true => Err(Error::shape(
                self.name(),
                "axes that are not empty",
                show(&x.shape),
            )),
            false => Ok(out),
        }
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.inputs[0];
        let Spec {
            shape: mut kept,
            dtype,
        } = b.spec(x);
        self.axes.iter().for_each(|&a| kept[a] = Size::ONE);
        let g = &mut *b.graph;
        // exp(x - max) / sum: exp(x - y) would carry the rounding of a large y.
        // Any shift gives the same share, so none of its derivative comes from max, which has kinks.
        let top = g.reduce(Reduction::Max, x, &self.axes, true)?;
        let top = g.push(StopGradient {}, &[top])?;
        // Where the largest are infinite, they share the gradient.
        let (zero, infinity) = (g.scalar(0.0, dtype), g.scalar(f64::INFINITY, dtype));
        let size = g.unary(Unary::Abs, x)?;
        let endless = g.compare(Compare::Eq, size, infinity)?;
        let largest = g.compare(Compare::Eq, x, top)?;
        let endless = g.select(largest, endless, largest)?;
        let shifted = g.sub(x, top)?;
        let shifted = g.select(endless, zero, shifted)?;
        let e = g.unary(Unary::Exp, shifted)?;
        let sum = g.reduce(Reduction::Sum, e, &self.axes, true)?;
        let share = g.div(e, sum)?;
        let dout = g.reshape(dout, &kept)?;
        Ok(vec![Some(g.mul(share, dout)?)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let shape = inputs[0].dims().to_vec();
        let mut order: Vec<usize> = (0..shape.len())
            .filter(|a| !self.axes.contains(a))
            .collect();
        let trailing = order.iter().enumerate().all(|(i, &a)| i == a);
        order.extend(&self.axes);
        let n = self.axes.iter().map(|&a| shape[a]).product();
        Ok(with_float!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice());
            let mut work = room(T::default(), n);
            if trailing {
                logsumexp(x, out, &mut work);
            } else {
                let mut lanes = room(T::default(), x.len());
                let moved = array(x, &shape).permuted_axes(&order[..]);
                copy(moved.view(), array_mut(&mut lanes, moved.shape()));
                logsumexp(&lanes, out, &mut work);
            }
            Ok(())
        })
        .into()))
    }
}
