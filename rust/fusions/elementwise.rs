//! Joins chains of element-wise nodes, and the sums of their columns, into programs that read and write
//! memory once.
//!
//! A group is a set of element-wise nodes over one iteration shape, and of sums of their columns. It
//! runs where its last member stood, so a node may join only while nothing outside the group has
//! read any of its results: such a reader closes the group.
//!
//! A cheap node of one large operand, which lies in memory anyway, is computed again by each group
//! that reads it, rather than stored by one and read by the others.

use crate::graph::{Graph, Source, Value};
use crate::kernels::map::{Binary, Instr, Unary};
use crate::kernels::pointwise::{Program, Step};
use crate::ops::reduce::Reduce;
use crate::run::elementwise::{operand_dtype, program};
use crate::run::{Kernel, Prepared};
use std::collections::HashMap;

/// What explanations call it.
pub const NAME: &str = "elementwise";

/// Instructions a group at the most: more would not stay in the first-level cache.
const LONGEST: usize = 48;

/// A graph whose nodes are ready to run, where they are needed.
pub struct Nodes<'g> {
    pub graph: &'g Graph,
    /// By node; none where nothing needs it.
    pub prepared: Vec<Option<Prepared>>,
}

impl Nodes<'_> {
    fn needed(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.prepared.len()).filter(|at| self.prepared[*at].is_some())
    }

    fn instruction(&self, at: usize) -> Option<Instr> {
        match self.prepared[at] {
            Some(Prepared::Elementwise(instr)) => Some(instr),
            _ => None,
        }
    }

    fn sums_columns(&self, at: usize) -> bool {
        let input = || self.graph.spec(self.graph.nodes[at].inputs[0]);
        let op = self.graph.nodes[at].op::<Reduce>();
        op.is_some_and(|op| op.sums_columns(input()))
    }
}

/// The groups of a graph, and the order in which they and the other nodes run.
pub struct Groups {
    pub order: Vec<Item>,
    members: Vec<Vec<usize>>,
    again: Vec<bool>,
    uses: HashMap<Value, Vec<usize>>,
}

/// What runs next.
pub enum Item {
    Node(usize),
    Group(usize),
}

struct Group {
    nodes: Vec<usize>,
    open: bool,
}

/// Groups the nodes; `wanted` are the values that are read after the run.
pub fn group(nodes: &Nodes, wanted: &[Value]) -> Groups {
    let graph = nodes.graph;
    let again = recomputed(nodes, wanted);
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of: HashMap<usize, usize> = HashMap::new();
    let mut order: Vec<Place> = Vec::new();

    for at in nodes.needed().filter(|&n| !again[n]) {
        let node = &graph.nodes[at];
        let makers = |value: &Value| match graph.source(*value) {
            Source::Node { node, .. } => group_of.get(node).copied(),
            _ => None,
        };
        let mut sources: Vec<usize> = reads(graph, at, &again).iter().filter_map(makers).collect();
        sources.sort_unstable();
        sources.dedup();
        if nodes.instruction(at).is_none() {
            let home = match nodes.sums_columns(at) {
                true => groups
                    .iter()
                    .rposition(|g| takes_sum(graph, g, node.inputs[0], &again)),
                false => None,
            };
            match home {
                Some(g) => {
                    groups[g].nodes.push(at);
                    group_of.insert(at, g);
                    order.push(Place::Member(at));
                }
                None => {
                    sources.iter().for_each(|&g| groups[g].open = false);
                    order.push(Place::Node(at));
                }
            }
            continue;
        }
        let shape = graph.spec(node.outputs[0]).dims();
        let mut home: Option<usize> = None;
        for g in sources {
            let joins = groups[g].open
                && iteration_shape(graph, &groups[g]) == shape
                && !reads_whole(nodes, at, &groups[g], &again);
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
        order.push(Place::Member(at));
    }

    let mut uses: HashMap<Value, Vec<usize>> = HashMap::new();
    for at in nodes.needed().filter(|&n| !again[n]) {
        for input in reads(graph, at, &again) {
            uses.entry(input).or_default().push(at);
        }
    }
    let mut members: Vec<Vec<usize>> = groups.into_iter().map(|g| g.nodes).collect();
    members.iter_mut().for_each(|nodes| nodes.sort_unstable());
    let runs = order.into_iter().filter_map(|place| match place {
        Place::Node(at) => Some(Item::Node(at)),
        Place::Member(at) => {
            let group = group_of[&at];
            (members[group].last() == Some(&at)).then_some(Item::Group(group))
        }
    });
    Groups {
        order: runs.collect(),
        members,
        again,
        uses,
    }
}

enum Place {
    Node(usize),
    /// A member's place; the group runs at its last member's.
    Member(usize),
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
fn recomputed(nodes: &Nodes, wanted: &[Value]) -> Vec<bool> {
    let graph = nodes.graph;
    let mut readers: HashMap<Value, Vec<usize>> = HashMap::new();
    for at in nodes.needed() {
        for input in &graph.nodes[at].inputs {
            readers.entry(*input).or_default().push(at);
        }
    }
    let is_elementwise = |&at: &usize| nodes.instruction(at).is_some();
    let can_make = |at: &usize, value: Value| {
        let node = &graph.nodes[*at];
        let same_shape = graph.spec(node.outputs[0]).shape == graph.spec(value).shape;
        same_shape
            && nodes.instruction(*at).is_some_and(|instr| {
                // What is read whole, no block can make.
                let mut inputs = node.inputs.iter().enumerate();
                !inputs.any(|(i, v)| *v == value && instr.reads_whole(i))
            })
    };
    let mut again = vec![false; graph.nodes.len()];
    for at in nodes.needed() {
        let node = &graph.nodes[at];
        let out = node.outputs[0];
        let spec = graph.spec(out);
        let large = |v: &&Value| graph.spec(**v).len() == spec.len();
        let mut operands = node.inputs.iter().filter(large);
        let (Some(operand), None) = (operands.next(), operands.next()) else {
            continue;
        };
        let in_memory = match graph.source(*operand) {
            Source::Node { node, .. } => again[*node] || !is_elementwise(node),
            _ => true,
        };
        again[at] = in_memory
            && nodes.instruction(at).is_some_and(is_cheap)
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
    graph.spec(graph.nodes[group.nodes[0]].outputs[0]).dims()
}

/// Whether the group can sum the columns of a value: it makes it or reads it anyway.
fn takes_sum(graph: &Graph, group: &Group, value: Value, again: &[bool]) -> bool {
    let touches = |&at: &usize| {
        graph.nodes[at].outputs.contains(&value) || reads(graph, at, again).contains(&value)
    };
    group.open
        && group.nodes.len() < LONGEST
        && iteration_shape(graph, group) == graph.spec(value).dims()
        && group.nodes.iter().any(touches)
}

/// Whether the node reads whole what the group makes, a sum among others: it cannot be made by the
/// block that reads it.
fn reads_whole(nodes: &Nodes, at: usize, group: &Group, again: &[bool]) -> bool {
    let made_by = |v: &Value, all: bool| match nodes.graph.source(*v) {
        Source::Node { node, .. } => {
            group.nodes.contains(node) && (all || nodes.instruction(*node).is_none())
        }
        _ => false,
    };
    let mut inputs = nodes.graph.nodes[at].inputs.iter().enumerate();
    let instr = nodes.instruction(at);
    inputs.any(|(i, v)| instr.is_some_and(|instr| instr.reads_whole(i)) && made_by(v, true))
        || reads(nodes.graph, at, again)
            .iter()
            .any(|v| made_by(v, false))
}

/// The elementwise nodes of a group, those computed again among them, and the sums, each in order.
fn parts(nodes: &Nodes, group: &[usize], again: &[bool]) -> (Vec<usize>, Vec<usize>) {
    let (mut elementwise, sums): (Vec<usize>, Vec<usize>) =
        group.iter().partition(|n| nodes.instruction(**n).is_some());
    let mut at = 0;
    while at < elementwise.len() {
        for value in &nodes.graph.nodes[elementwise[at]].inputs {
            match nodes.graph.source(*value) {
                Source::Node { node, .. } if again[*node] && !elementwise.contains(node) => {
                    elementwise.push(*node);
                }
                _ => {}
            }
        }
        at += 1;
    }
    elementwise.sort_unstable();
    (elementwise, sums)
}

/// A group as one kernel.
pub struct Joined {
    pub kernel: Kernel,
    pub inputs: Vec<Value>,
    /// The values stored, then the sums of columns.
    pub outputs: Vec<Value>,
    /// The nodes that it does the work of, in order.
    pub members: Vec<usize>,
}

impl Groups {
    /// The group's kernel. `made` is asked for a value that somebody makes tile by tile for this group
    /// alone, out of those that it reads and overwrites; that one becomes the first output's memory.
    pub fn join(
        &self,
        nodes: &Nodes,
        group: usize,
        wanted: &[Value],
        made: impl FnOnce(&[Value], &dyn Fn(&Value) -> bool) -> Option<Value>,
    ) -> Joined {
        let graph = nodes.graph;
        let members = &self.members[group];
        let inside = |n: &usize| members.binary_search(n).is_ok();
        let stored = |v: &Value| {
            let readers = self.uses.get(v);
            wanted.contains(v) || readers.is_some_and(|readers| !readers.iter().all(inside))
        };
        let (elementwise, sums) = parts(nodes, members, &self.again);
        let own: Vec<Value> = elementwise
            .iter()
            .map(|&n| graph.nodes[n].outputs[0])
            .collect();
        let mut inputs: Vec<Value> = Vec::new();
        for &n in elementwise.iter().chain(&sums) {
            for v in &graph.nodes[n].inputs {
                if !own.contains(v) && !inputs.contains(v) {
                    inputs.push(*v);
                }
            }
        }
        let index = |v: &Value| match own.iter().position(|m| m == v) {
            Some(at) => inputs.len() + at,
            None => inputs
                .iter()
                .position(|i| i == v)
                .expect("an input of the group"),
        };
        let steps: Vec<Step> = elementwise
            .iter()
            .map(|&n| {
                let node = &graph.nodes[n];
                let instr = nodes.instruction(n).expect("members are element-wise");
                let dtypes: Vec<_> = node.inputs.iter().map(|v| graph.spec(*v).dtype).collect();
                Step {
                    instr,
                    args: node.inputs.iter().map(index).collect(),
                    dtype: operand_dtype(instr, &dtypes),
                    out: graph.spec(node.outputs[0]).dtype,
                }
            })
            .collect();
        let mut outputs: Vec<Value> = own.iter().copied().filter(|v| stored(v)).collect();
        let shape = graph.spec(own[0]).dims();
        let dtypes = inputs.iter().map(|v| graph.spec(*v).dtype).collect();
        let same = |v: &Value, o: &Value| graph.spec(*v) == graph.spec(*o);
        let over = |v: &Value| outputs.iter().position(|o| same(v, o));
        let takes = |v: &Value| !stored(v) && over(v).is_some();
        if let Some(place) = made(&inputs, &takes).and_then(|v| over(&v)) {
            outputs.swap(0, place);
        }
        let overwrites = inputs
            .iter()
            .enumerate()
            .flat_map(|(i, v)| {
                let outputs = outputs.iter().enumerate();
                outputs
                    .filter(move |(_, o)| same(v, o))
                    .map(move |(o, _)| (i, o))
            })
            .collect();
        let slots = outputs.iter().map(index).collect();
        let summed = sums
            .iter()
            .map(|&n| index(&graph.nodes[n].inputs[0]))
            .collect();
        outputs.extend(sums.iter().map(|&n| graph.nodes[n].outputs[0]));
        let shapes: Vec<&[usize]> = inputs.iter().map(|v| graph.spec(*v).dims()).collect();
        let bound = Program::new(dtypes, steps, slots, summed).bind(shape, shapes);
        Joined {
            kernel: program(bound, overwrites),
            inputs,
            outputs,
            members: members.clone(),
        }
    }
}
