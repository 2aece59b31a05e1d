//! `y[n, o..., c] = f of x[n, o * stride - before + i, c]` over the window `i`, `f` max or mean.
//!
//! Both take the elements inside the image only. `dx`: the op `pool_grad`. x (N, *S, C) with 1 to 3
//! spatial axes, `padding` is `[before, after]` of each; y (N, *O, C) with
//! `o = (s + before + after - window) / stride + 1`, rounded down. A padding as wide as its window
//! is refused: a window outside the image would have no maximum.

use super::check;
use super::pool_grad::PoolGrad;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Makes, Op, Value};
use crate::kernels::pool::{pool_with_argmax, pool_with_argmax_of_pieces, pool, pool_of_pieces, Pooling, Windows};
use crate::tensor::{show, DType, Element, Spec};
use crate::with_float;
use std::sync::Arc;

const TABLE: &[(&str, Pooling)] = &[("max", Pooling::Max), ("mean", Pooling::Mean)];

#[derive(Clone, PartialEq, Debug)]
pub struct Pool {
    pub function: Pooling,
    window: Vec<usize>,
    strides: Vec<usize>,
    padding: Vec<usize>,
}

pub fn functions() -> Vec<&'static str> {
    TABLE.iter().map(|(name, _)| *name).collect()
}

impl Pool {
    /// Reads and checks the attributes, which `pool_grad` shares.
    pub fn read(op: &str, r: &mut Reader) -> Result<Pool> {
        let made = Pool {
            function: r.one_of("function", TABLE)?,
            window: r.sizes("window")?,
            strides: r.sizes("strides")?,
            padding: r.sizes("padding")?,
        };
        let (d, window) = (made.window.len(), &made.window);
        let refuse = |what: String, got: &[usize]| Err(Error::attribute(op, what, show(got)));
        if !(1..=3).contains(&d) || window.contains(&0) {
            return refuse("window: 1 to 3 sizes of at least 1".into(), window);
        }
        if made.strides.len() != d || made.strides.contains(&0) {
            return refuse(format!("strides: {d} of at least 1"), &made.strides);
        }
        let pairs = made.padding.chunks(2).zip(window);
        if made.padding.len() != 2 * d || pairs.clone().any(|(p, k)| p.iter().any(|p| p >= k)) {
            let expected = format!("padding: {} below the window {}", 2 * d, show(window));
            return refuse(expected, &made.padding);
        }
        Ok(made)
    }

    /// Where the windows lie in `x`, which is checked.
    pub fn windows(&self, op: &str, x: &Spec) -> Result<Windows> {
        check::float(op, "x", x)?;
        let d = self.window.len();
        if x.rank() != d + 2 {
            return Err(Error::shape(
                op,
                format!("x of rank {}: images, {d} spatial axes, channels", d + 2),
                show(&x.shape),
            ));
        }
        let lead = 3 - d;
        let mut windows = Windows {
            images: x.shape[0],
            input: [1; 3],
            output: [1; 3],
            window: [1; 3],
            strides: [1; 3],
            before: [0; 3],
            channels: x.shape[d + 1],
        };
        for axis in 0..d {
            let (n, k) = (x.shape[axis + 1], self.window[axis]);
            let padded = self.padding[2 * axis..2 * axis + 2]
                .iter()
                .fold(n, |n, p| n.saturating_add(*p));
            if n == 0 || padded < k {
                return Err(Error::shape(
                    op,
                    format!("a window of at most the padded size {padded} on axis {}", axis + 1),
                    format!("window {} for x {}", show(&self.window), show(&x.shape)),
                ));
            }
            windows.input[lead + axis] = n;
            windows.output[lead + axis] = (padded - k) / self.strides[axis] + 1;
            windows.window[lead + axis] = k;
            windows.strides[lead + axis] = self.strides[axis];
            windows.before[lead + axis] = self.padding[2 * axis];
        }
        Ok(windows)
    }

    /// The shape of `y`.
    pub fn output(&self, windows: &Windows) -> Vec<usize> {
        let mut shape = vec![windows.images];
        shape.extend(&windows.output[3 - self.window.len()..]);
        shape.push(windows.channels);
        shape
    }
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Pool::read("pool", r)?))
}

impl Op for Pool {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let windows = self.windows(self.name(), x)?;
        Ok(vec![Spec::new(self.output(&windows), x.dtype)])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let windows = self.windows(self.name(), io.inputs[0].spec)?;
        with_float!(io.inputs[0].spec.dtype, T => {
            let x: &[T] = io.inputs[0].slice();
            pool(self.function, &windows, x, T::slice_mut(&mut io.outputs[0].data));
        });
        Ok(())
    }

    fn forward_following(&self, io: &mut Io, first: Makes) -> Result<()> {
        let x = io.inputs[0].spec;
        let windows = self.windows(self.name(), x)?;
        with_float!(x.dtype, T => {
            let y = T::slice_mut(&mut io.outputs[0].data);
            pool_of_pieces::<T, _>(self.function, &windows, y, first)
        })
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.outputs[0]);
        let dx = b.graph.push(PoolGrad(self.clone()), &[x, y, dout])?;
        Ok(vec![Some(dx)])
    }

    fn follows(&self) -> bool {
        true
    }
}

/// A pool of maxima that also says where each comes from, for [`super::pool_grad::Unpool`].
#[derive(Debug)]
pub struct PoolWithArgmax(pub Pool);

impl Op for PoolWithArgmax {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let y = self.0.shape(inputs)?.remove(0);
        let argmax = Spec::new(&y.shape[..], DType::U8);
        Ok(vec![y, argmax])
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let windows = self.0.windows(self.name(), io.inputs[0].spec)?;
        let (y, argmax) = io.outputs.split_at_mut(1);
        with_float!(io.inputs[0].spec.dtype, T => {
            pool_with_argmax::<T>(&windows, io.inputs[0].slice(), y[0].slice(), argmax[0].slice());
        });
        Ok(())
    }

    fn forward_following(&self, io: &mut Io, first: Makes) -> Result<()> {
        let x = io.inputs[0].spec;
        let windows = self.0.windows(self.name(), x)?;
        let (y, argmax) = io.outputs.split_at_mut(1);
        with_float!(x.dtype, T => {
            pool_with_argmax_of_pieces::<T, _>(&windows, y[0].slice(), argmax[0].slice(), first)
        })
    }

    fn follows(&self) -> bool {
        true
    }
}
