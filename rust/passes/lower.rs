//! Replaces the ops that say so by simpler ones, which the fusion pass joins with their neighbours.

use crate::error::Result;
use crate::graph::{Graph, Source, Value};

/// The graph with its ops lowered, its assignments included, and where each value has gone.
pub fn lower(graph: &Graph) -> Result<(Graph, Vec<Value>)> {
    let mut lowered = Graph::new();
    let mut moved: Vec<Value> = Vec::with_capacity(graph.len());
    for at in 0..graph.len() {
        let value = match graph.source(Value(at)) {
            Source::Input { name, .. } => lowered.input(name, graph.spec(Value(at)).clone())?,
            Source::Read(cell) => lowered.read(cell),
            Source::Constant(tensor) => lowered.constant(tensor.clone()),
            // Its other outputs have come with the first.
            Source::Node { output: 1.., .. } => continue,
            Source::Node { node, .. } => {
                let node = &graph.nodes[*node];
                let inputs: Vec<Value> = node.inputs.iter().map(|v| moved[v.0]).collect();
                lowered.set_layer(&node.layer);
                let outputs = match node.op.lower(&mut lowered, &inputs)? {
                    Some(outputs) => outputs,
                    None => lowered.push_node(node.op.clone(), node.attrs.clone(), &inputs)?,
                };
                moved.extend(outputs);
                continue;
            }
        };
        moved.push(value);
    }
    for (cell, value) in &graph.assigned {
        lowered.assign(cell, moved[value.0])?;
    }
    Ok((lowered, moved))
}
