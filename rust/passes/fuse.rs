//! Drops the nodes that nothing needs and joins chains of pointwise nodes into one.
//!
//! A group is a set of pointwise nodes over one iteration shape. It runs where its last member
//! stood, so a node may join only while nothing outside the group has read any of its results: such
//! a reader closes the group.

use crate::graph::{Graph, Op, Source, Value};
use crate::kernels::map::Instr;
use crate::kernels::pointwise::{Program, Step as Instruction};
use crate::ops::fused::{operand_dtype, Fused};
use std::collections::HashMap;
use std::sync::Arc;

/// Instructions a group at the most: more would not stay in the first-level cache.
const LONGEST: usize = 48;

/// One thing to run: an op on values of the graph.
#[derive(Clone, Debug)]
pub struct Task {
    pub op: Arc<dyn Op>,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub layer: Arc<str>,
}

struct Group {
    nodes: Vec<usize>,
    open: bool,
}

/// The tasks that compute `wanted`, in an order in which they can run.
pub fn fuse(graph: &Graph, wanted: &[Value]) -> Vec<Task> {
    let live = live_nodes(graph, wanted);
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    let mut order: Vec<Item> = Vec::new();

    for at in (0..graph.nodes.len()).filter(|&n| live[n]) {
        let node = &graph.nodes[at];
        let makers = |value: &Value| match graph.source(*value) {
            Source::Node { node, .. } => group_of.get(node).copied(),
            _ => None,
        };
        let mut sources: Vec<usize> = node.inputs.iter().filter_map(makers).collect();
        sources.sort_unstable();
        sources.dedup();
        if instruction(graph, at).is_none() {
            sources.iter().for_each(|&g| groups[g].open = false);
            order.push(Item::Node(at));
            continue;
        }
        let shape = &graph.spec(node.outputs[0]).shape;
        let same_shape = |g: usize, groups: &[Group]| {
            let first = groups[g].nodes[0];
            graph.spec(graph.nodes[first].outputs[0]).shape == *shape
        };
        let mut home: Option<usize> = None;
        for g in sources {
            let joins =
                groups[g].open && same_shape(g, &groups) && !reads_as_seed(graph, at, &groups[g]);
            match home {
                _ if !joins => groups[g].open = false,
                None if groups[g].nodes.len() < LONGEST => home = Some(g),
                Some(h) if groups[h].nodes.len() + groups[g].nodes.len() < LONGEST => {
                    let moved = std::mem::take(&mut groups[g].nodes);
                    groups[g].open = false;
                    moved.iter().for_each(|n| {
                        group_of.insert(*n, h);
                    });
                    groups[h].nodes.extend(moved);
                }
                _ => groups[g].open = false,
            }
        }
        let home = home.unwrap_or_else(|| {
            groups.push(Group {
                nodes: Vec::new(),
                open: true,
            });
            groups.len() - 1
        });
        groups[home].nodes.push(at);
        group_of.insert(at, home);
        order.push(Item::Member(at));
    }

    let mut uses: HashMap<Value, Vec<usize>> = HashMap::new();
    for at in (0..graph.nodes.len()).filter(|&n| live[n]) {
        for input in &graph.nodes[at].inputs {
            uses.entry(*input).or_default().push(at);
        }
    }
    let mut tasks = Vec::new();
    for item in order {
        match item {
            Item::Node(at) => {
                let node = &graph.nodes[at];
                tasks.push(Task {
                    op: node.op.clone(),
                    inputs: node.inputs.clone(),
                    outputs: node.outputs.clone(),
                    layer: node.layer.clone(),
                });
            }
            Item::Member(at) => {
                let group = &mut groups[group_of[&at]];
                group.nodes.sort_unstable();
                if group.nodes.last() == Some(&at) {
                    let inside = |n: &usize| group.nodes.binary_search(n).is_ok();
                    let stored = |v: &Value| {
                        wanted.contains(v)
                            || uses
                                .get(v)
                                .is_some_and(|readers| !readers.iter().all(inside))
                    };
                    tasks.push(join(graph, &group.nodes, stored));
                }
            }
        }
    }
    tasks
}

enum Item {
    Node(usize),
    /// A member's place; the group runs at its last member's.
    Member(usize),
}

fn live_nodes(graph: &Graph, wanted: &[Value]) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    let mut open = wanted.to_vec();
    while let Some(value) = open.pop() {
        if let Source::Node { node, .. } = graph.source(value) {
            if !std::mem::replace(&mut live[*node], true) {
                open.extend(&graph.nodes[*node].inputs);
            }
        }
    }
    live
}

fn instruction(graph: &Graph, at: usize) -> Option<Instr> {
    let node = &graph.nodes[at];
    let specs: Vec<_> = node.inputs.iter().map(|v| graph.spec(*v)).collect();
    node.op.pointwise(&specs)
}

/// A seed is read whole, so it cannot be made by the block that reads it.
fn reads_as_seed(graph: &Graph, at: usize, group: &Group) -> bool {
    let node = &graph.nodes[at];
    let made = |v: &Value| match graph.source(*v) {
        Source::Node { node, .. } => group.nodes.contains(node),
        _ => false,
    };
    matches!(instruction(graph, at), Some(Instr::Dropout { .. })) && made(&node.inputs[1])
}

/// The fused op of a group, whose values of `stored` go to memory.
fn join(graph: &Graph, nodes: &[usize], stored: impl Fn(&Value) -> bool) -> Task {
    let made: Vec<Value> = nodes.iter().map(|&n| graph.nodes[n].outputs[0]).collect();
    let mut inputs: Vec<Value> = Vec::new();
    for &n in nodes {
        for v in &graph.nodes[n].inputs {
            if !made.contains(v) && !inputs.contains(v) {
                inputs.push(*v);
            }
        }
    }
    let index = |v: &Value| match made.iter().position(|m| m == v) {
        Some(at) => inputs.len() + at,
        None => inputs
            .iter()
            .position(|i| i == v)
            .expect("an input of the group"),
    };
    let steps: Vec<Instruction> = nodes
        .iter()
        .map(|&n| {
            let node = &graph.nodes[n];
            let instr = instruction(graph, n).expect("members are pointwise");
            let dtypes: Vec<_> = node.inputs.iter().map(|v| graph.spec(*v).dtype).collect();
            Instruction {
                instr,
                args: node.inputs.iter().map(index).collect(),
                dtype: operand_dtype(instr, &dtypes),
                out: graph.spec(node.outputs[0]).dtype,
            }
        })
        .collect();
    let outputs: Vec<Value> = made.iter().copied().filter(|v| stored(v)).collect();
    let shape = graph.spec(made[0]).shape.clone();
    let dtypes = inputs.iter().map(|v| graph.spec(*v).dtype).collect();
    let overwrites = inputs
        .iter()
        .enumerate()
        .flat_map(|(i, v)| {
            outputs
                .iter()
                .enumerate()
                .filter(move |(_, o)| graph.spec(*v) == graph.spec(**o))
                .map(move |(o, _)| (i, o))
        })
        .collect();
    let slots = outputs.iter().map(index).collect();
    let shapes: Vec<&[usize]> = inputs.iter().map(|v| &graph.spec(*v).shape[..]).collect();
    let program = Program::new(dtypes, steps, slots).bind(&shape, shapes);
    Task {
        op: Arc::new(Fused {
            program,
            shape,
            outputs: outputs.iter().map(|v| graph.spec(*v).dtype).collect(),
            overwrites,
        }),
        inputs,
        outputs,
        layer: graph.nodes[nodes[nodes.len() - 1]].layer.clone(),
    }
}
