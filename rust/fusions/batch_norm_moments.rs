//! Batch normalisation as its statistics, which read all of x, and element-wise ops, which join what
//! follows.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::kernels::moments::{moments, moments_on_tiles};
use crate::ops::batch_norm::BatchNorm;
use crate::ops::build::Build;
use crate::ops::check;
use crate::run::{Kernel, Prepared};
use crate::tensor::Spec;
use crate::with_float;
use serde::Serialize;
use std::sync::Arc;

pub const FUSION: Fusion = Fusion {
    name: "batch_norm_moments",
    pattern,
    fuse,
};

fn pattern(_: &Graph, node: &Node) -> bool {
    node.op::<BatchNorm>().is_some()
}

fn fuse(site: &mut Site) -> Result<Found> {
    let (g, node) = (&mut *site.graph, &site.node);
    let Some(op) = node.op::<BatchNorm>() else {
        return Ok(Found::Refused("the op has gone".into()));
    };
    let (x, gamma, beta) = (node.inputs[0], node.inputs[1], node.inputs[2]);
    let statistics = g.push_node(Arc::new(Moments {}), &[x])?;
    let (mean, variance) = (statistics[0], statistics[1]);
    let inverse = op.inverse(g, variance)?;
    let scale = g.mul(gamma, inverse)?;
    let centred = g.sub(x, mean)?;
    let y = g.mul(centred, scale)?;
    let y = g.add(y, beta)?;
    Ok(Found::Fused(vec![y, mean, variance]))
}

/// Mean and biased variance of x (..., C), each (C).
#[derive(Clone, Debug, Serialize)]
struct Moments {}

impl Op for Moments {
    fn name(&self) -> &'static str {
        "moments"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        check::ranked(self.name(), "x", x)?;
        let statistic = Spec::new(&x.shape[x.rank() - 1..], x.dtype);
        Ok(vec![statistic.clone(), statistic])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let len = inputs[0].len();
        Ok(with_float!(inputs[0].dtype, T => {
            let kernel = Kernel::new(|io| {
                let (mean, variance) = io.outputs.split_at_mut(1);
                let (mean, variance) = (mean[0].slice(), variance[0].slice());
                moments::<T>(io.inputs[0].slice(), mean, variance);
                Ok(())
            });
            kernel
                .consumer(move |io, produce| {
                    let (mean, variance) = io.outputs.split_at_mut(1);
                    let (mean, variance) = (mean[0].slice(), variance[0].slice());
                    moments_on_tiles::<T, _>(len, mean, variance, produce)
                })
                .into()
        }))
    }
}
