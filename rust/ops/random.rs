//! `y = ` draws from `distribution` by Philox4x32-10 of a seed: element `i` depends on the seed and
//! `i` alone (Salmon, Moraes, Dror & Shaw 2011).
//!
//! uniform in [0, 1), normal N(0, 1), truncated_normal N(0, 1) cut at two standard deviations, bits raw
//! uint32. seed uint32 (2). No gradient.

use super::check;
use super::dropout::check_seed;
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::region::{share, IndexedParallelIterator, ParallelSliceMut};
use crate::kernels::rng;
use crate::run::{Input, Kernel, Prepared};
use crate::size::Size;
use crate::tensor::{DType, Spec};
use crate::with_float;
use serde::{Deserialize, Serialize};

/// Elements a task.
const CHUNK: usize = 1 << 14;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    Uniform,
    Normal,
    TruncatedNormal,
    Bits,
}

impl Named for Distribution {
    fn table() -> Vec<(&'static str, Self)> {
        vec![
            ("uniform", Distribution::Uniform),
            ("normal", Distribution::Normal),
            ("truncated_normal", Distribution::TruncatedNormal),
            ("bits", Distribution::Bits),
        ]
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Random {
    #[serde(with = "named")]
    distribution: Distribution,
    shape: Vec<Size>,
    #[serde(with = "named")]
    dtype: DType,
}

fn seed_of(input: &Input) -> [u32; 2] {
    let seed = input.slice();
    [seed[0], seed[1]]
}

fn fill<T: Send>(out: &mut [T], f: impl Fn(&mut [T], u64) + Sync) {
    share(out.par_chunks_mut(CHUNK).enumerate(), |(t, out)| {
        f(out, (t * CHUNK) as u64)
    });
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
            true => Ok(vec![Spec::new(&self.shape, self.dtype)]),
            false => Err(Error::dtype(
                self.name(),
                "a float dtype, or uint32 for bits",
                self.dtype.name(),
            )),
        }
    }

    fn backward(&self, _: &mut Backward) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let distribution = self.distribution;
        if distribution == Distribution::Bits {
            let kernel = Kernel::new(|io| {
                let seed = seed_of(&io.inputs[0]);
                fill(io.outputs[0].slice(), |out, first| {
                    rng::fill_bits(out, seed, first)
                });
                Ok(())
            });
            return Ok(kernel.into());
        }
        Ok(with_float!(self.dtype, T => Kernel::new(move |io| {
            let seed = seed_of(&io.inputs[0]);
            fill(io.outputs[0].slice(), |out, first| match distribution {
                Distribution::Uniform => rng::fill_uniform::<T>(out, seed, first),
                Distribution::Normal => rng::fill_normal::<T>(out, seed, first),
                _ => rng::fill_truncated_normal::<T>(out, seed, first),
            });
            Ok(())
        })
        .into()))
    }
}
