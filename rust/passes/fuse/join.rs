//! Tasks of groups, and of two tasks that share the pieces of a value.

use super::{instruction, Task};
use crate::graph::{Graph, Source, Value};
use crate::kernels::pointwise::{Program, Step as Instruction};
use crate::ops::followed::Followed;
use crate::ops::fused::{operand_dtype, Fused};
use std::sync::Arc;

/// The pointwise nodes of a group, those computed again among them, and the sums, each in order.
fn parts(graph: &Graph, nodes: &[usize], again: &[bool]) -> (Vec<usize>, Vec<usize>) {
    let (mut pointwise, sums): (Vec<usize>, Vec<usize>) = nodes
        .iter()
        .partition(|n| instruction(graph, **n).is_some());
    let mut at = 0;
    while at < pointwise.len() {
        for value in &graph.nodes[pointwise[at]].inputs {
            match graph.source(*value) {
                Source::Node { node, .. } if again[*node] && !pointwise.contains(node) => {
                    pointwise.push(*node);
                }
                _ => {}
            }
        }
        at += 1;
    }
    pointwise.sort_unstable();
    (pointwise, sums)
}

/// A task whose result the next one can go on with while it is made.
pub struct Leader {
    pub task: usize,
    /// The input of the next one that it makes.
    pub input: usize,
}

/// The last task that makes one of `inputs` in pieces, where nothing has read it yet and it `fits`.
pub fn leader(
    graph: &Graph,
    tasks: &[Task],
    inputs: &[Value],
    fits: impl Fn(&Value) -> bool,
) -> Option<Leader> {
    (0..tasks.len()).rev().find_map(|at| {
        let [made] = tasks[at].outputs[..] else {
            return None;
        };
        let input = inputs.iter().position(|v| *v == made)?;
        let specs: Vec<_> = tasks[at].inputs.iter().map(|v| graph.spec(*v)).collect();
        let unread = tasks[at..].iter().all(|t| !t.inputs.contains(&made));
        let leads = unread && fits(&made) && tasks[at].op.has_pieces(&specs);
        leads.then_some(Leader { task: at, input })
    })
}

/// The task that does what `first` and then `then` do, which goes on with its input `input`;
/// the outputs are those of [`Followed`].
pub fn followed(graph: &Graph, first: Task, input: usize, then: Task, outputs: Vec<Value>) -> Task {
    let mut inputs = first.inputs;
    let count = inputs.len();
    let others = then.inputs.iter().enumerate().filter(|(i, _)| *i != input);
    inputs.extend(others.map(|(_, v)| *v));
    Task {
        op: Arc::new(Followed {
            first: first.op,
            count,
            then: then.op,
            input,
            outputs: outputs.iter().map(|v| graph.spec(*v).clone()).collect(),
        }),
        inputs,
        outputs,
        layer: first.layer,
    }
}

/// The task of a group, whose values of `stored` go to memory. It takes the task that leads it from the
/// `tasks` before.
pub fn join(
    graph: &Graph,
    nodes: &[usize],
    again: &[bool],
    stored: impl Fn(&Value) -> bool,
    tasks: &mut Vec<Task>,
) -> Task {
    let (pointwise, sums) = parts(graph, nodes, again);
    let made: Vec<Value> = pointwise
        .iter()
        .map(|&n| graph.nodes[n].outputs[0])
        .collect();
    let mut inputs: Vec<Value> = Vec::new();
    for &n in pointwise.iter().chain(&sums) {
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
    let steps: Vec<Instruction> = pointwise
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
    let mut outputs: Vec<Value> = made.iter().copied().filter(|v| stored(v)).collect();
    let shape = graph.spec(made[0]).shape.clone();
    let dtypes = inputs.iter().map(|v| graph.spec(*v).dtype).collect();
    let same = |v: &Value, o: &Value| graph.spec(*v) == graph.spec(*o);
    let over = |v: &Value| outputs.iter().position(|o| same(v, o));
    let leader = leader(graph, tasks, &inputs, |v| !stored(v) && over(v).is_some());
    if let Some(place) = leader.as_ref().and_then(|l| over(&inputs[l.input])) {
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
    let shapes: Vec<&[usize]> = inputs.iter().map(|v| &graph.spec(*v).shape[..]).collect();
    let program = Program::new(dtypes, steps, slots, summed).bind(&shape, shapes);
    let fused = Fused {
        program,
        shape,
        outputs: outputs.iter().map(|v| graph.spec(*v).clone()).collect(),
        overwrites,
    };
    let task = Task {
        op: Arc::new(fused),
        inputs,
        outputs: outputs.clone(),
        layer: graph.nodes[nodes[nodes.len() - 1]].layer.clone(),
    };
    match leader {
        Some(Leader { task: at, input }) => {
            let first = tasks.remove(at);
            followed(graph, first, input, task, outputs)
        }
        None => task,
    }
}
