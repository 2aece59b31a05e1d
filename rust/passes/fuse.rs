//! Drops the nodes that nothing needs and joins chains of pointwise nodes into one.
//!
//! A group is a set of pointwise nodes over one iteration shape, and of sums of their columns. It
//! runs where its last member stood, so a node may join only while nothing outside the group has
//! read any of its results: such a reader closes the group.
//!
//! A cheap node of one large operand, which lies in memory anyway, is computed again by each group
//! that reads it, rather than stored by one and read by the others.
//!
//! A task that goes on with what a convolution makes joins it: the pieces are in the cache still.

mod join;

use crate::graph::{Graph, Op, Source, Value};
use crate::kernels::map::{Binary, Instr, Unary};
use join::{followed, join, leader, Leader};
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
    let again = recomputed(graph, &live, wanted);
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    let mut order: Vec<Item> = Vec::new();

    for at in (0..graph.nodes.len()).filter(|&n| live[n] && !again[n]) {
        let node = &graph.nodes[at];
        let makers = |value: &Value| match graph.source(*value) {
            Source::Node { node, .. } => group_of.get(node).copied(),
            _ => None,
        };
        let mut sources: Vec<usize> = reads(graph, at, &again).iter().filter_map(makers).collect();
        sources.sort_unstable();
        sources.dedup();
        if instruction(graph, at).is_none() {
            let home = match sums_columns(graph, at) {
                true => groups
                    .iter()
                    .rposition(|g| takes_sum(graph, g, node.inputs[0], &again)),
                false => None,
            };
            match home {
                Some(g) => {
                    groups[g].nodes.push(at);
                    group_of.insert(at, g);
                    order.push(Item::Member(at));
                }
                None => {
                    sources.iter().for_each(|&g| groups[g].open = false);
                    order.push(Item::Node(at));
                }
            }
            continue;
        }
        let shape = &graph.spec(node.outputs[0]).shape;
        let mut home: Option<usize> = None;
        for g in sources {
            let joins = groups[g].open
                && iteration_shape(graph, &groups[g]) == shape
                && !reads_whole(graph, at, &groups[g], &again);
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
    for at in (0..graph.nodes.len()).filter(|&n| live[n] && !again[n]) {
        for input in reads(graph, at, &again) {
            uses.entry(input).or_default().push(at);
        }
    }
    let mut tasks = Vec::new();
    for item in order {
        match item {
            Item::Node(at) => {
                let node = &graph.nodes[at];
                let task = Task {
                    op: node.op.clone(),
                    inputs: node.inputs.clone(),
                    outputs: node.outputs.clone(),
                    layer: node.layer.clone(),
                };
                let leader = match node.op.follows() {
                    true => leader(graph, &tasks, &node.inputs[..1], |_| true),
                    false => None,
                };
                let task = match leader {
                    Some(Leader { task: first, input }) => {
                        let first = tasks.remove(first);
                        let outputs = [&first.outputs[..], &task.outputs].concat();
                        followed(graph, first, input, task, outputs)
                    }
                    None => task,
                };
                tasks.push(task);
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
                    let task = join(graph, &group.nodes, &again, stored, &mut tasks);
                    tasks.push(task);
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

fn sums_columns(graph: &Graph, at: usize) -> bool {
    let node = &graph.nodes[at];
    let specs: Vec<_> = node.inputs.iter().map(|v| graph.spec(*v)).collect();
    node.op.sums_columns(&specs)
}

/// Whether an instruction costs less than reading its result from memory.
fn is_cheap(instr: Instr) -> bool {
    match instr {
        Instr::Unary(f) => matches!(f, Unary::Neg | Unary::Abs | Unary::Square | Unary::Relu),
        Instr::Binary(f) => matches!(
            f,
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Maximum | Binary::Minimum
        ),
        Instr::Compare(_) | Instr::Logical(_) | Instr::Select | Instr::Cast(_) => true,
        _ => false,
    }
}

/// The nodes that each group which reads them computes again: cheap ones, read by pointwise nodes of
/// their own shape alone, whose one large operand is in memory as long as they would be.
fn recomputed(graph: &Graph, live: &[bool], wanted: &[Value]) -> Vec<bool> {
    let mut readers: HashMap<Value, Vec<usize>> = HashMap::new();
    for at in (0..graph.nodes.len()).filter(|&n| live[n]) {
        for input in &graph.nodes[at].inputs {
            readers.entry(*input).or_default().push(at);
        }
    }
    let is_pointwise = |&at: &usize| instruction(graph, at).is_some();
    let can_make = |at: &usize, value: Value| {
        let node = &graph.nodes[*at];
        let same_shape = graph.spec(node.outputs[0]).shape == graph.spec(value).shape;
        same_shape
            && match instruction(graph, *at) {
                // A seed is read whole, so no block can make it.
                Some(Instr::Dropout { .. }) => node.inputs[1] != value,
                other => other.is_some(),
            }
    };
    let mut again = vec![false; graph.nodes.len()];
    for at in (0..graph.nodes.len()).filter(|&n| live[n]) {
        let node = &graph.nodes[at];
        let out = node.outputs[0];
        let spec = graph.spec(out);
        let large = |v: &&Value| graph.spec(**v).len() == spec.len();
        let mut operands = node.inputs.iter().filter(large);
        let (Some(operand), None) = (operands.next(), operands.next()) else {
            continue;
        };
        let in_memory = match graph.source(*operand) {
            Source::Node { node, .. } => again[*node] || !is_pointwise(node),
            _ => true,
        };
        again[at] = in_memory
            && instruction(graph, at).is_some_and(is_cheap)
            && graph.spec(*operand).bytes() <= spec.bytes()
            && !wanted.contains(&out)
            && readers
                .get(&out)
                .is_some_and(|found| found.len() > 1 && found.iter().all(|n| can_make(n, out)));
    }
    again
}

/// What a node reads, where those that are computed again stand for what they read.
fn reads(graph: &Graph, at: usize, again: &[bool]) -> Vec<Value> {
    let mut found = Vec::new();
    for value in &graph.nodes[at].inputs {
        match graph.source(*value) {
            Source::Node { node, .. } if again[*node] => found.extend(reads(graph, *node, again)),
            _ => found.push(*value),
        }
    }
    found
}

fn iteration_shape<'g>(graph: &'g Graph, group: &Group) -> &'g [usize] {
    &graph.spec(graph.nodes[group.nodes[0]].outputs[0]).shape
}

/// Whether the group can sum the columns of a value: it makes it or reads it anyway.
fn takes_sum(graph: &Graph, group: &Group, value: Value, again: &[bool]) -> bool {
    let touches = |&at: &usize| {
        graph.nodes[at].outputs.contains(&value) || reads(graph, at, again).contains(&value)
    };
    group.open
        && group.nodes.len() < LONGEST
        && iteration_shape(graph, group) == graph.spec(value).shape
        && group.nodes.iter().any(touches)
}

/// Whether the node reads a seed or a sum that the group makes: they are read whole, so they cannot
/// be made by the block that reads them.
fn reads_whole(graph: &Graph, at: usize, group: &Group, again: &[bool]) -> bool {
    let made_by = |v: &Value, all: bool| match graph.source(*v) {
        Source::Node { node, .. } => {
            group.nodes.contains(node) && (all || instruction(graph, *node).is_none())
        }
        _ => false,
    };
    let is_dropout = matches!(instruction(graph, at), Some(Instr::Dropout { .. }));
    let reads_seed = is_dropout && made_by(&graph.nodes[at].inputs[1], true);
    reads_seed || reads(graph, at, again).iter().any(|v| made_by(v, false))
}
