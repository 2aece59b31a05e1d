//! The sums of a pool's gradient over all axes but the last, a bias's gradient, as those of `dy`, which
//! is smaller: each element of `dy` goes to one element of its window, or in equal shares to all of them.
//!
//! Equal but for rounding: the same numbers, added in the order of the smaller value.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Value};
use crate::ops::build::Build;
use crate::ops::pool_grad::PoolGrad;
use crate::ops::reduce::{Reduce, Reduction};

pub const FUSION: Fusion = Fusion {
    name: "column_sums_of_pool",
    pattern,
    fuse,
};

/// The value whose columns have the same sums.
fn smaller(graph: &Graph, x: Value) -> Option<Value> {
    let (node, _) = graph.made_by::<PoolGrad>(x)?;
    Some(graph.nodes[node].inputs[2])
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    node.op::<Reduce>().is_some_and(|op| {
        op.is_column_sum(graph.spec(node.inputs[0])) && smaller(graph, node.inputs[0]).is_some()
    })
}

fn fuse(site: &mut Site) -> Result<Found> {
    let g = &mut *site.graph;
    let mut x = site.node.inputs[0];
    while let Some(dy) = smaller(g, x) {
        x = dy;
    }
    let axes: Vec<usize> = (0..g.spec(x).rank() - 1).collect();
    Ok(Found::Fused(vec![g.reduce(
        Reduction::Sum,
        x,
        &axes,
        false,
    )?]))
}
