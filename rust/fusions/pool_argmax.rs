//! The gradient of a pool of maxima by the places that the pool has noted, so that it need not read
//! the images again.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Op};
use crate::kernels::pool::{pool_with_argmax, pool_with_argmax_on_tiles, unpool, Pooling, Windows};
use crate::ops::check;
use crate::ops::pool::Pool;
use crate::ops::pool_grad::PoolGrad;
use crate::run::{Kernel, Prepared};
use crate::tensor::{DType, Spec};
use crate::with_float;
use serde::Serialize;

pub const FUSION: Fusion = Fusion {
    name: "pool_argmax",
    pattern,
    fuse,
};

/// The node that makes the gradient's maxima, and whether it notes their places already.
fn pool_of(graph: &Graph, node: &Node) -> Option<usize> {
    let pool = &node.op::<PoolGrad>()?.0;
    let (x, y) = (node.inputs[0], node.inputs[1]);
    let made = match (graph.made_by::<Pool>(y), graph.made_by::<PoolWithArgmax>(y)) {
        (Some((made, op)), _) if op == pool => made,
        (_, Some((made, op))) if op.0 == *pool => made,
        _ => return None,
    };
    let same = graph.nodes[made].inputs == [x] && graph.nodes[made].outputs[0] == y;
    (same && pool.function == Pooling::Max).then_some(made)
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    pool_of(graph, node).is_some()
}

fn fuse(site: &mut Site) -> Result<Found> {
    let (g, node) = (&*site.graph, &site.node);
    let (Some(made), Some(grad)) = (pool_of(g, node), node.op::<PoolGrad>()) else {
        return Ok(Found::Refused("the pool has gone".into()));
    };
    let (images, dy) = (g.spec(node.inputs[0]).clone(), node.inputs[2]);
    let pool = grad.0.clone();
    if !pool.windows(grad.name(), &images)?.has_argmax() {
        return Ok(Found::Refused(
            "a window has more places than a byte counts".into(),
        ));
    }
    let argmax = site.replace(made, PoolWithArgmax(pool.clone()))?[1];
    let unpool = Unpool { pool, images };
    Ok(Found::Fused(vec![site
        .graph
        .push(unpool, &[argmax, dy])?]))
}

/// A pool of maxima that also says where each comes from, for [`Unpool`].
#[derive(Clone, Debug, Serialize)]
struct PoolWithArgmax(Pool);

impl Op for PoolWithArgmax {
    fn name(&self) -> &'static str {
        "pool_with_argmax"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let y = self.0.shape(inputs)?.remove(0);
        let argmax = Spec::new(&y.shape[..], DType::U8);
        Ok(vec![y, argmax])
    }

    fn prepare(&self, inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let windows = self.0.windows(self.name(), inputs[0])?;
        Ok(with_float!(inputs[0].dtype, T => {
            let same = windows.clone();
            let kernel = Kernel::new(move |io| {
                let (y, argmax) = io.outputs.split_at_mut(1);
                let (y, argmax) = (y[0].slice(), argmax[0].slice());
                pool_with_argmax::<T>(&windows, io.inputs[0].slice(), y, argmax);
                Ok(())
            });
            kernel
                .consumer(move |io, produce| {
                    let (y, argmax) = io.outputs.split_at_mut(1);
                    let (y, argmax) = (y[0].slice(), argmax[0].slice());
                    pool_with_argmax_on_tiles::<T, _>(&same, y, argmax, io.is_passed_on, produce)
                })
                .into()
        }))
    }
}

/// The gradient of a pool of maxima of such `images`, from (the argmax of [`PoolWithArgmax`], dy): max
/// unpooling. argmax and dy (N, *O, C), dx (N, *S, C).
#[derive(Clone, Debug, Serialize)]
pub struct Unpool {
    pool: Pool,
    pub images: Spec,
}

impl Unpool {
    pub fn windows(&self) -> Result<Windows> {
        self.pool.windows(self.name(), &self.images)
    }
}

impl Op for Unpool {
    fn name(&self) -> &'static str {
        "unpool"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [argmax, dy] = check::count(self.name(), inputs)?;
        check::same_shape(self.name(), &argmax.shape, &dy.shape)?;
        Ok(vec![self.images.clone()])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        let windows = self.windows()?;
        Ok(with_float!(self.images.dtype, T => Kernel::new(move |io| {
            let (argmax, dy) = (io.inputs[0].slice(), io.inputs[1].slice());
            unpool::<T>(&windows, argmax, dy, io.outputs[0].slice());
            Ok(())
        })
        .into()))
    }
}
