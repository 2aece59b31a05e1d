//! `y[n, o..., c] = f of x[n, o * stride - before + i, c]` over the window `i`, `f` max or mean.
//!
//! Both take the elements inside the image only. `dx`: the op `pool_grad`. x (N, *S, C) with 1 to 3
//! spatial axes, `padding` is `[before, after]` of each; y (N, *O, C) with
//! `o = (s + before + after - window) / stride + 1`, rounded down. A padding as wide as its window
//! is refused: a window outside the image would have no maximum.

use super::check;
use super::named::{self, Named};
use super::pool_grad::PoolGrad;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::pool::{pool, pool_on_tiles, Pooling, Windows};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

impl Named for Pooling {
    fn table() -> Vec<(&'static str, Self)> {
        vec![("max", Pooling::Max), ("mean", Pooling::Mean)]
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    #[serde(with = "named")]
    pub function: Pooling,
    window: Vec<usize>,
    strides: Vec<usize>,
    padding: Vec<Size>,
}

impl Pool {
    fn check(&self, op: &str) -> Result<()> {
        let (d, window) = (self.window.len(), &self.window);
        let refuse = |what: String, got: String| Err(Error::attribute(op, what, got));
        if !(1..=3).contains(&d) || window.contains(&0) {
            return refuse("window: 1 to 3 sizes of at least 1".into(), show(window));
        }
        if self.strides.len() != d || self.strides.contains(&0) {
            return refuse(format!("strides: {d} of at least 1"), show(&self.strides));
        }
        let mut pairs = self.padding.chunks(2).zip(window);
        if self.padding.len() != 2 * d || pairs.any(|(p, k)| p.iter().any(|p| !p.may_be_below(*k)))
        {
            let expected = format!("padding: {} below the window {}", 2 * d, show(window));
            return refuse(expected, show(&self.padding));
        }
        Ok(())
    }

    /// The shape of `y`.
    pub fn output(&self, op: &str, x: &Spec) -> Result<Vec<Size>> {
        self.check(op)?;
        check::float(op, "x", x)?;
        let d = self.window.len();
        if x.rank() != d + 2 {
            return Err(Error::shape(
                op,
                format!("x of rank {}: images, {d} spatial axes, channels", d + 2),
                show(&x.shape),
            ));
        }
        let mut output = x.shape.clone();
        for axis in 0..d {
            let (n, k) = (x.shape[axis + 1], self.window[axis]);
            let padded = n + self.padding[2 * axis] + self.padding[2 * axis + 1];
            if n == 0 || padded.surely_below(k) {
                return Err(Error::shape(
                    op,
                    format!(
                        "a window of at most the padded size {padded} on axis {}",
                        axis + 1
                    ),
                    format!("window {} for x {}", show(&self.window), show(&x.shape)),
                ));
            }
            output[axis + 1] = (padded - k).floor_div(self.strides[axis]) + 1;
        }
        Ok(output)
    }

    /// Where the windows lie in `x`, whose sizes are known.
    pub fn windows(&self, op: &str, x: &Spec) -> Result<Windows> {
        let output = self.output(op, x)?;
        let (x, d) = (x.dims(), self.window.len());
        let mut windows = Windows {
            images: x[0],
            input: [1; 3],
            output: [1; 3],
            window: [1; 3],
            strides: [1; 3],
            before: [0; 3],
            channels: x[d + 1],
        };
        for axis in 0..d {
            let at = 3 - d + axis;
            windows.input[at] = x[axis + 1];
            windows.output[at] = output[axis + 1].get();
            windows.window[at] = self.window[axis];
            windows.strides[at] = self.strides[axis];
            windows.before[at] = self.padding[2 * axis].get();
        }
        Ok(windows)
    }
}

impl Op for Pool {
    fn name(&self) -> &'static str {
        "pool"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        Ok(vec![Spec::new(self.output(self.name(), x)?, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.outputs[0]);
        let dx = b.graph.push(PoolGrad(self.clone()), &[x, y, dout])?;
        Ok(vec![Some(dx)])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let windows = self.windows(self.name(), inputs[0])?;
        let f = self.function;
        Ok(with_float!(inputs[0].dtype, T => {
            let same = windows.clone();
            let kernel = Kernel::new(move |io| {
                pool::<T>(f, &windows, io.inputs[0].slice(), io.outputs[0].slice());
                Ok(())
            });
            kernel
                .consumer(move |io, produce| {
                    let (y, is_last) = (io.outputs[0].slice(), io.is_passed_on);
                    pool_on_tiles::<T, _>(f, &same, y, is_last, produce)
                })
                .into()
        }))
    }
}
