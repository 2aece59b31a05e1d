//! `y[..., t] = sum over windows f of x[..., f, t - f stride]`: windows laid over one another, each `stride`
//! after the one before; added from the first to the last.
//!
//! `dx` is `frame` of dout. x (..., F, length) of numbers, y (..., size), which has room for F windows and no
//! more. (Allen & Rabiner 1977, "A unified approach to short-time Fourier analysis and synthesis".)

use super::check;
use super::frame::Frame;
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::number::Number;
use crate::kernels::region::{share_if, IntoParallelIterator};
use crate::run::{Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{show, DType, Spec};
use crate::with_dtype;
use serde::{Deserialize, Serialize};

/// Elements of the result that a task adds up.
const TASK_LEN: usize = 1 << 12;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlapAdd {
    pub stride: usize,
    pub size: Size,
}

impl OverlapAdd {
    /// The windows that the result is cut into again.
    fn windows(&self, x: &Spec) -> Result<Frame> {
        let frame = Frame {
            length: x.shape[x.rank() - 1],
            stride: self.stride,
        };
        frame.check(self.name())?;
        Ok(frame)
    }
}

impl Op for OverlapAdd {
    fn name(&self) -> &'static str {
        "overlap_add"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        if x.rank() < 2 {
            let expected = "windows of rank 2 or more";
            return Err(Error::shape(self.name(), expected, show(&x.shape)));
        }
        if x.dtype == DType::Bool {
            return Err(Error::dtype(self.name(), "x of numbers", "bool"));
        }
        let count = self.windows(x)?.count(self.size);
        let [.., found, length] = x.shape[..] else {
            unreachable!("a rank of 2 or more");
        };
        if !found.may_be(count) {
            return Err(Error::shape(
                self.name(),
                format!(
                    "{count} windows of {length}, which {} elements hold in steps of {}",
                    self.size, self.stride
                ),
                show(&x.shape),
            ));
        }
        let mut shape = x.shape[..x.rank() - 2].to_vec();
        shape.push(self.size);
        Ok(vec![Spec::new(shape, x.dtype)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let dout = b.dout(self.name())?;
        let x = b.spec(b.inputs[0]);
        let op = self.windows(&x)?;
        Ok(vec![Some(b.graph.push(op, &[dout])?)])
    }

    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared> {
        let [.., count, length] = *inputs[0].dims() else {
            unreachable!("a rank of 2 or more");
        };
        let (size, stride) = (self.size.get(), self.stride);
        let worth_it = outputs[0].len() >= 4 * TASK_LEN;
        Ok(with_dtype!(inputs[0].dtype, T => Kernel::new(move |io| {
            let (x, out) = (io.inputs[0].slice::<T>(), io.outputs[0].slice::<T>());
            out.fill(T::ZERO);
            if size == 0 || count == 0 {
                return Ok(());
            }
            let rows = out.chunks_mut(size).enumerate();
            let parts = rows.flat_map(|(row, y)| {
                let parts = y.chunks_mut(TASK_LEN).enumerate();
                parts.map(move |(i, part)| (row, i * TASK_LEN, part))
            });
            let parts: Vec<_> = parts.collect();
            share_if(worth_it, parts.into_par_iter(), |(row, start, part)| {
                let windows = &x[row * count * length..][..count * length];
                // The first window that reaches here, and the first that begins behind.
                let first = (start + 1).saturating_sub(length).div_ceil(stride);
                let end = (start + part.len()).div_ceil(stride).min(count);
                for f in first..end {
                    let place = f * stride;
                    let from = start.max(place);
                    let to = (place + length).min(start + part.len());
                    let window = &windows[f * length..][from - place..to - place];
                    for (y, x) in part[from - start..to - start].iter_mut().zip(window) {
                        *y = y.add(*x);
                    }
                }
            });
            Ok(())
        })
        .into()))
    }
}
