//! What every step of a scan computes anew from the same numbers, as the parts of a kernel, is computed once,
//! before it.

use super::{Found, Fusion, Site};
use crate::error::Result;
use crate::graph::{Graph, Node, Source, Value};
use crate::ops::body::{follow_from, is_cheap, Body, Built};
use crate::ops::scan::Scan;
use std::collections::HashMap;
use std::sync::Arc;

pub const FUSION: Fusion = Fusion {
    name: "scan_invariants",
    pattern,
    fuse,
};

/// The values of the body that are the same at every step, cost something, and are read by what changes.
fn invariants(body: &Built, constants: &[Value]) -> (Vec<bool>, Vec<Value>) {
    let graph = &body.graph;
    let steady = follow_from(graph, constants);
    let changing = graph
        .nodes
        .iter()
        .filter(|n| !n.outputs.iter().all(|v| steady[v.0]));
    let mut open: Vec<Value> = changing.flat_map(|n| n.inputs.iter().copied()).collect();
    open.extend(&body.outputs);
    let mut seen = vec![false; graph.len()];
    let mut found = Vec::new();
    while let Some(value) = open.pop() {
        if !steady[value.0] || std::mem::replace(&mut seen[value.0], true) {
            continue;
        }
        if let Source::Node { node, .. } = graph.source(value) {
            match is_cheap(&graph.nodes[*node]) {
                true => open.extend(&graph.nodes[*node].inputs),
                false => found.push(value),
            }
        }
    }
    found.sort_unstable();
    (steady, found)
}

/// The scan of a node with its body, and the number of the first input that every step reads.
fn opened<'n>(graph: &Graph, node: &'n Node) -> Option<(&'n Scan, Built, usize)> {
    let scan = node.op::<Scan>()?;
    let specs: Vec<_> = node.inputs.iter().map(|v| graph.spec(*v)).collect();
    let body = scan.built(&specs).ok()?;
    Some((scan, body, scan.carries + scan.sequences))
}

fn pattern(graph: &Graph, node: &Node) -> bool {
    opened(graph, node).is_some_and(|(_, body, first)| {
        let (_, found) = invariants(&body, &body.inputs[first..]);
        !found.is_empty()
    })
}

fn fuse(site: &mut Site) -> Result<Found> {
    let node = site.node.clone();
    let Some((scan, body, first)) = opened(site.graph, &node) else {
        return Ok(Found::Refused("the scan has gone".into()));
    };
    let (steady, found) = invariants(&body, &body.inputs[first..]);
    let mut outside: HashMap<Value, Value> = HashMap::new();
    outside.extend(
        body.inputs[first..]
            .iter()
            .copied()
            .zip(node.inputs[first..].iter().copied()),
    );
    for at in (0..body.graph.len()).map(Value) {
        if let (Source::Constant(tensor), true) = (body.graph.source(at), steady[at.0]) {
            outside.insert(at, site.graph.constant(tensor.clone()));
        }
    }
    for inner in &body.graph.nodes {
        if inner.outputs.iter().all(|v| steady[v.0]) {
            let inputs: Vec<Value> = inner.inputs.iter().map(|v| outside[v]).collect();
            let made = site.graph.copy_node(&body.graph, inner, &inputs)?;
            outside.extend(inner.outputs.iter().copied().zip(made));
        }
    }
    let inside = [&body.inputs[..], &found[..]].concat();
    let mut inputs = node.inputs.clone();
    inputs.extend(found.iter().map(|v| outside[v]));
    let smaller = Scan {
        body: Body::of(&body.graph, &inside, &body.outputs)?,
        ..scan.clone()
    };
    Ok(Found::Fused(
        site.graph.push_node(Arc::new(smaller), &inputs)?,
    ))
}
