//! `dx` of `y = pool(x)` for a gradient `dy`. Mean: `dx[i]` is the sum of `dy[w] / count[w]` over
//! the windows `w` that `i` is in. Max: the sum of `dy[w]` over those whose first element equal to
//! `y[w]` is `i`.
//!
//! Linear in `dy`: `ddy[w]` is the mean over `w` of the gradient by `dx`, or that at the element
//! chosen. None flows to `x` and `y`. Where `y[w]` is NaN, the first NaN is chosen. x and dx
//! (N, *S, C), y and dy (N, *O, C).

use super::check;
use super::pool::{self, PoolWithArgmax, Pool};
use crate::attrs::Reader;
use crate::error::Result;
use crate::graph::{Backward, Graph, Io, Op, Value};
use crate::kernels::pool::{pick, pool_grad, unpool, Pooling, Windows};
use crate::tensor::{Element, Spec};
use crate::with_float;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct PoolGrad(pub Pool);

pub fn functions() -> Vec<&'static str> {
    pool::functions()
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(PoolGrad(Pool::read("pool_grad", r)?)))
}

impl Op for PoolGrad {
    fn name(&self) -> &'static str {
        "pool_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, y, dy] = check::count(self.name(), inputs)?;
        let windows = self.0.windows(self.name(), x)?;
        let expected = self.0.output(&windows);
        for side in [y, dy] {
            check::same_dtype(self.name(), x, side)?;
            check::same_shape(self.name(), &expected, &side.shape)?;
        }
        Ok(vec![x.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let windows = self.0.windows(self.name(), io.inputs[0].spec)?;
        with_float!(io.inputs[0].spec.dtype, T => {
            let (x, y, dy) = (io.inputs[0].slice(), io.inputs[1].slice(), io.inputs[2].slice());
            let dx = T::slice_mut(&mut io.outputs[0].data);
            pool_grad::<T>(self.0.function, &windows, x, y, dy, dx);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.inputs[1]);
        let ddy = match self.0.function {
            Pooling::Mean => b.graph.push(self.0.clone(), &[dout])?,
            Pooling::Max => b.graph.push(PoolPick(self.clone()), &[x, y, dout])?,
        };
        Ok(vec![None, None, Some(ddy)])
    }

    /// Only maxima have a gradient, and the maximum of a window is positive where its source is.
    fn relu_mask(&self, inputs: &[Value], y: Value) -> Option<(usize, Value)> {
        (self.0.function == Pooling::Max && inputs[0] == y).then_some((2, inputs[1]))
    }

    /// The maxima say where they come from, so that this need not read the images.
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let [x, y, dy] = *inputs else {
            return Ok(None);
        };
        let images = g.spec(x).clone();
        let pool = &self.0;
        let fits = pool.function == Pooling::Max
            && pool.windows(self.name(), &images)?.has_argmax();
        let node = match (g.made_by::<Pool>(y), g.made_by::<PoolWithArgmax>(y)) {
            (Some((node, made)), _) if made == pool => node,
            (_, Some((node, made))) if made.0 == *pool => node,
            _ => return Ok(None),
        };
        if !fits || g.nodes[node].inputs != [x] || g.nodes[node].outputs[0] != y {
            return Ok(None);
        }
        let argmax = g.replace(node, PoolWithArgmax(pool.clone()))?[1];
        let unpool = Unpool {
            pool: pool.clone(),
            images,
        };
        Ok(Some(vec![g.push(unpool, &[argmax, dy])?]))
    }

    /// Each element of `dy` goes to one element of its window, or in equal shares to all of them.
    fn same_column_sums(&self) -> Option<usize> {
        Some(2)
    }
}

/// The gradient of [`PoolGrad`] of max by `dy`, from (x, y, a gradient by dx): that gradient at the
/// element chosen in each window. Linear; its adjoint is [`PoolGrad`].
#[derive(Debug)]
struct PoolPick(PoolGrad);

impl Op for PoolPick {
    fn name(&self) -> &'static str {
        "pool_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x, y, values] = check::count(self.name(), inputs)?;
        check::same_dtype(self.name(), x, values)?;
        check::same_shape(self.name(), &x.shape, &values.shape)?;
        Ok(vec![y.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let pool = &self.0 .0;
        let windows = pool.windows(self.name(), io.inputs[0].spec)?;
        with_float!(io.inputs[0].spec.dtype, T => {
            let (x, y) = (io.inputs[0].slice(), io.inputs[1].slice());
            let out = T::slice_mut(&mut io.outputs[0].data);
            pick::<T>(&windows, x, y, io.inputs[2].slice(), out);
        });
        Ok(())
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.inputs[1]);
        let dvalues = b.graph.push(self.0.clone(), &[x, y, dout])?;
        Ok(vec![None, None, Some(dvalues)])
    }
}

/// [`PoolGrad`] of maxima of such `images`, from (the argmax of
/// [`PoolWithArgmax`], dy): max unpooling. argmax and dy (N, *O, C), dx (N, *S, C).
#[derive(Clone, Debug)]
pub struct Unpool {
    pool: Pool,
    pub images: Spec,
}

impl Unpool {
    pub fn windows(&self) -> Result<Windows> {
        self.pool.windows("pool_grad", &self.images)
    }
}

impl Op for Unpool {
    fn name(&self) -> &'static str {
        "pool_grad"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [argmax, dy] = check::count(self.name(), inputs)?;
        check::same_shape(self.name(), &argmax.shape, &dy.shape)?;
        Ok(vec![self.images.clone()])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let windows = self.windows()?;
        with_float!(self.images.dtype, T => {
            let (argmax, dy) = (io.inputs[0].slice(), io.inputs[1].slice());
            unpool::<T>(&windows, argmax, dy, io.outputs[0].slice());
        });
        Ok(())
    }
}
