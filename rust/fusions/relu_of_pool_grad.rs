//! `y > 0 ? pool_grad(y, p, dp) : 0` as `pool_grad(y, p, p > 0 ? dp : 0)`, for maxima `p` of `y`: only
//! maxima have a gradient, and the maximum of a window is positive where its source is. The mask then
//! reads `p`, which is smaller than `y`.

use super::{is_zero, Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Value};
use crate::kernels::map::Compare;
use crate::kernels::pool::Pooling;
use crate::ops::binary::Binary;
use crate::ops::build::Build;
use crate::ops::pool_grad::PoolGrad;
use crate::ops::select::Select;

pub const FUSION: Fusion = Fusion {
    name: "relu_of_pool_grad",
    pattern,
    fuse,
};

/// The pool's gradient by `y`, a gradient of maxima of it: its node.
fn grad_of_max(graph: &Graph, dy: Value, y: Value) -> Option<(usize, PoolGrad)> {
    let (node, op) = graph.made_by::<PoolGrad>(dy)?;
    let fits = op.0.function == Pooling::Max && graph.nodes[node].inputs[0] == y;
    fits.then(|| (node, op.clone()))
}

/// `y` where `cond` is `y > 0`.
fn positive(graph: &Graph, cond: Value) -> Option<Value> {
    let (node, op) = graph.made_by::<Binary>(cond)?;
    let [y, zero] = graph.nodes[node].inputs[..] else {
        return None;
    };
    (op.is_compare(Compare::Gt) && is_zero(graph, zero)).then_some(y)
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    let [cond, dy, zero] = node.inputs[..] else {
        return false;
    };
    node.op::<Select>().is_some()
        && is_zero(graph, zero)
        && positive(graph, cond).is_some_and(|y| grad_of_max(graph, dy, y).is_some())
}

fn fuse(site: &mut Site) -> Result<Found> {
    let (cond, dy) = (site.node.inputs[0], site.node.inputs[1]);
    let Some(y) = positive(site.graph, cond) else {
        return Ok(Found::Refused("the mask has gone".into()));
    };
    match (site.readers)(dy) {
        1 => Ok(Found::Fused(vec![masked(site.graph, dy, y)?])),
        _ => Ok(Found::Refused(
            "the pool's gradient is read without the mask too".into(),
        )),
    }
}

/// `dy` where `y > 0`, else 0.
fn masked(g: &mut Graph, dy: Value, y: Value) -> Result<Value> {
    if let Some((node, op)) = grad_of_max(g, dy, y) {
        let (p, dp) = (g.nodes[node].inputs[1], g.nodes[node].inputs[2]);
        let dp = masked(g, dp, p)?;
        return g.push(op, &[y, p, dp]);
    }
    let zero = g.scalar(0.0, g.spec(y).dtype);
    let positive = g.compare(Compare::Gt, y, zero)?;
    g.select(positive, dy, zero)
}
