//! `y = ` draws from `distribution` by Philox4x32-10 of a seed: element `i` depends on the seed and
//! `i` alone (Salmon, Moraes, Dror & Shaw 2011).
//!
//! uniform in [0, 1), normal N(0, 1), truncated_normal N(0, 1) cut at two standard deviations, bits raw
//! uint32. seed uint32 (2). No gradient.

use super::check;
use super::dropout::check_seed;
use crate::attrs::Reader;
use crate::error::{Error, Result};
use crate::graph::{Backward, Io, Op, Value};
use crate::kernels::region::{share, IndexedParallelIterator, ParallelSliceMut};
use crate::kernels::rng;
use crate::tensor::{DType, Element, Spec};
use crate::with_float;
use std::sync::Arc;

/// Elements a task.
const CHUNK: usize = 1 << 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distribution {
    Uniform,
    Normal,
    TruncatedNormal,
    Bits,
}

const TABLE: &[(&str, Distribution)] = &[
    ("uniform", Distribution::Uniform),
    ("normal", Distribution::Normal),
    ("truncated_normal", Distribution::TruncatedNormal),
    ("bits", Distribution::Bits),
];

#[derive(Debug)]
pub struct Random {
    distribution: Distribution,
    shape: Vec<usize>,
    dtype: DType,
}

pub fn functions() -> Vec<&'static str> {
    TABLE.iter().map(|(name, _)| *name).collect()
}

pub fn new(r: &mut Reader) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Random {
        distribution: r.one_of("distribution", TABLE)?,
        shape: r.sizes("shape")?,
        dtype: r.dtype("dtype")?,
    }))
}

fn fill<T: Send>(out: &mut [T], f: impl Fn(&mut [T], u64) + Sync) {
    share(out.par_chunks_mut(CHUNK).enumerate(), |(t, out)| f(out, (t * CHUNK) as u64));
}

impl Op for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [seed] = check::count(self.name(), inputs)?;
        check_seed(self.name(), seed)?;
        let fits = match self.distribution {
            Distribution::Bits => self.dtype == DType::U32,
            _ => self.dtype.is_float(),
        };
        match fits {
            true => Ok(vec![Spec::new(self.shape.clone(), self.dtype)]),
            false => Err(Error::dtype(
                self.name(),
                "a float dtype, or uint32 for bits",
                self.dtype.name(),
            )),
        }
    }

    fn forward(&self, io: &mut Io) -> Result<()> {
        let seed: &[u32] = io.inputs[0].slice();
        let seed = [seed[0], seed[1]];
        let data = &mut io.outputs[0].data;
        if self.distribution == Distribution::Bits {
            fill(u32::slice_mut(data), |out, first| rng::fill_bits(out, seed, first));
            return Ok(());
        }
        with_float!(self.dtype, T => {
            fill(T::slice_mut(data), |out, first| match self.distribution {
                Distribution::Uniform => rng::fill_uniform::<T>(out, seed, first),
                Distribution::Normal => rng::fill_normal::<T>(out, seed, first),
                _ => rng::fill_truncated_normal::<T>(out, seed, first),
            });
        });
        Ok(())
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}
