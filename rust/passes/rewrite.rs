//! Lets every fusion look at every node, and puts what stands for a pattern in its place.

use crate::error::Result;
use crate::fusions::{Found, Fusion, Site, FUSIONS};
use crate::graph::{Graph, Node, Source, Value};
use std::collections::HashMap;

/// Nodes are in an order in which they can run, so what a node reads has been moved before.
const MOVED: &str = "what is needed has been moved";

/// A pattern that was there and could not be fused.
#[derive(Clone, Debug)]
pub struct Miss {
    pub fusion: &'static str,
    /// The pattern's last op, and its layer.
    pub op: &'static str,
    pub layer: String,
    pub why: String,
}

/// Names of fusions.
pub type Makers = HashMap<Value, Vec<&'static str>>;

/// What is left of a graph when every fusion has seen it.
pub struct Rewritten {
    /// None where no pattern was found.
    pub graph: Option<Graph>,
    pub outputs: Vec<Value>,
    /// The fusions that made a node, by the node's first output.
    pub made_by: Makers,
    pub misses: Vec<Miss>,
}

/// Rewrites the nodes that `outputs` and, where `assign` is set, the assignments need.
pub fn rewrite(graph: &Graph, outputs: &[Value], assign: bool) -> Result<Rewritten> {
    let mut done = Rewritten {
        graph: None,
        outputs: outputs.to_vec(),
        made_by: Makers::new(),
        misses: Vec::new(),
    };
    for fusion in FUSIONS {
        let before = done.graph.take();
        let current = before.as_ref().unwrap_or(graph);
        done.graph = match current.nodes.iter().any(|n| (fusion.pattern)(current, n)) {
            true => Some(sweep(current, fusion, &mut done, assign)?),
            false => before,
        };
    }
    Ok(done)
}

/// How many times the nodes that are needed, the caller and the assignments read each value.
fn count_readers(graph: &Graph, outputs: &[Value], assign: bool) -> Vec<usize> {
    let mut readers = vec![0; graph.len()];
    let mut open = outputs.to_vec();
    if assign {
        open.extend(graph.assigned.iter().map(|(_, value)| *value));
    }
    let mut needed = vec![false; graph.nodes.len()];
    while let Some(value) = open.pop() {
        readers[value.0] += 1;
        if let Source::Node { node, .. } = *graph.source(value) {
            if !std::mem::replace(&mut needed[node], true) {
                open.extend(&graph.nodes[node].inputs);
            }
        }
    }
    readers
}

/// The graph in which one fusion has looked at every node that is needed.
fn sweep(graph: &Graph, fusion: &Fusion, done: &mut Rewritten, assign: bool) -> Result<Graph> {
    let readers = count_readers(graph, &done.outputs, assign);
    let needed = |node: usize| graph.nodes[node].outputs.iter().any(|v| readers[v.0] > 0);
    let mut next = Graph::new();
    let mut moved: Vec<Option<Value>> = vec![None; graph.len()];
    let mut counts: HashMap<Value, usize> = HashMap::new();
    let mut made_by = Makers::new();
    for at in 0..graph.len() {
        let new = match graph.source(Value(at)) {
            Source::Input { name, .. } => next.input(name, graph.spec(Value(at)).clone())?,
            _ if readers[at] == 0 && !matches!(graph.source(Value(at)), Source::Node { .. }) => {
                continue
            }
            Source::Read(cell) => next.read(cell),
            Source::Constant(tensor) => next.constant(tensor.clone()),
            // Its other outputs come with the first.
            Source::Node { output: 1.., .. } => continue,
            Source::Node { node, .. } if !needed(*node) => continue,
            Source::Node { node, .. } => {
                let old = &graph.nodes[*node];
                let inputs = old.inputs.iter().map(|v| moved[v.0].expect(MOVED));
                let inputs: Vec<Value> = inputs.collect();
                next.set_layer(&old.layer);
                next.set_gradient(old.is_gradient);
                let before = next.nodes.len();
                let outputs = match (fusion.pattern)(graph, old) {
                    false => None,
                    true => {
                        let node = Node {
                            inputs: inputs.clone(),
                            ..old.clone()
                        };
                        fused(fusion, &mut next, node, &counts, &mut done.misses)?
                    }
                };
                let mut makers = done.made_by.remove(&old.outputs[0]).unwrap_or_default();
                let (outputs, replaced) = match outputs {
                    Some(fused) => {
                        makers.push(fusion.name);
                        fused
                    }
                    None => (next.copy_node(graph, old, &inputs)?, Vec::new()),
                };
                let new = next.nodes[before..].iter();
                let changed = new.chain(replaced.iter().map(|n| &next.nodes[*n]));
                // What stands for it may be there already, as the first of its outputs.
                for value in changed.map(|n| n.outputs[0]).chain([outputs[0]]) {
                    credit(&mut made_by, value, &makers);
                }
                for (old, new) in old.outputs.iter().zip(outputs) {
                    moved[old.0] = Some(new);
                    *counts.entry(new).or_default() += readers[old.0];
                }
                continue;
            }
        };
        moved[at] = Some(new);
        *counts.entry(new).or_default() += readers[at];
    }
    if assign {
        for (cell, value) in &graph.assigned {
            next.assign(cell, moved[value.0].expect(MOVED))?;
        }
    }
    for output in &mut done.outputs {
        *output = moved[output.0].expect(MOVED);
    }
    done.made_by = made_by;
    Ok(next)
}

/// Adds the names of fusions, each once, to those that made a node.
fn credit(made_by: &mut Makers, value: Value, makers: &[&'static str]) {
    for maker in makers {
        let known = made_by.entry(value).or_default();
        if !known.contains(maker) {
            known.push(maker);
        }
    }
}

/// What stands for a node of the pattern in the new graph, and the nodes there that have another op now;
/// none where the guard refuses.
fn fused(
    fusion: &Fusion,
    graph: &mut Graph,
    node: Node,
    counts: &HashMap<Value, usize>,
    misses: &mut Vec<Miss>,
) -> Result<Option<(Vec<Value>, Vec<usize>)>> {
    let (op, layer) = (node.op.name(), node.layer.to_string());
    let readers = |value: Value| counts.get(&value).copied().unwrap_or(0);
    let mut site = Site {
        graph,
        node,
        readers: &readers,
        replaced: Vec::new(),
    };
    Ok(match (fusion.fuse)(&mut site)? {
        Found::Fused(outputs) => Some((outputs, site.replaced)),
        Found::Refused(why) => {
            misses.push(Miss {
                fusion: fusion.name,
                op,
                layer,
                why,
            });
            None
        }
    })
}
