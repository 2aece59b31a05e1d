//! The tasks of a graph: its nodes as kernels, element-wise ones joined, and those that go on with what
//! another makes chained to it: its tiles are in the cache still.

use super::rewrite::Makers;
use crate::error::Result;
use crate::fusions::elementwise::{self, Groups, Item, Joined, Nodes};
use crate::graph::{prepare, Compile, Graph, Op, Source, Value};
use crate::run::{chain, Kernel, Prepared};
use crate::tensor::Spec;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// What explanations call a chain.
const CHAIN: &str = "tiles";

/// An op that a task does the work of.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    pub op: &'static str,
    #[serde(serialize_with = "attributes")]
    pub attrs: Arc<dyn Op>,
    pub inputs: Vec<Vec<usize>>,
    pub outputs: Vec<Vec<usize>>,
    /// Path of the layer that it was traced in.
    pub layer: String,
    /// Whether it belongs to a derivative.
    pub is_gradient: bool,
}

fn attributes<S: Serializer>(op: &Arc<dyn Op>, to: S) -> std::result::Result<S::Ok, S::Error> {
    op.serialize(to)
}

impl Part {
    /// Node `at` of the graph.
    fn of(graph: &Graph, at: usize) -> Self {
        let node = &graph.nodes[at];
        let shapes = |values: &[Value]| -> Vec<Vec<usize>> {
            let dims = values.iter().map(|v| graph.spec(*v).dims().to_vec());
            dims.collect()
        };
        Part {
            op: node.op.name(),
            attrs: node.op.clone(),
            inputs: shapes(&node.inputs),
            outputs: shapes(&node.outputs),
            layer: node.layer.to_string(),
            is_gradient: node.is_gradient,
        }
    }
}

/// One thing to run: a kernel on values of the graph.
#[derive(Debug)]
pub struct Task {
    /// What it does: the op's name, several ones of a chain.
    pub name: String,
    pub kernel: Kernel,
    /// Whether output 0 is input 0's elements: it need not run where they share memory.
    pub is_view: bool,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub layer: Arc<str>,
    pub is_gradient: bool,
    /// What it does the work of, in order.
    pub parts: Vec<Part>,
    /// The fusions that made it.
    pub fusions: Vec<&'static str>,
    /// Why it is not joined with the one before.
    pub misses: Vec<String>,
}

/// The tasks that compute `wanted`, in an order in which they can run; `made_by` says which fusion
/// made nodes, by their first output, and `compile` makes kernels of the graphs that ops own.
pub fn tasks(
    graph: &Graph,
    wanted: &[Value],
    made_by: &Makers,
    compile: &Compile,
) -> Result<Vec<Task>> {
    let mut nodes = Nodes {
        graph,
        prepared: prepared(graph, wanted, compile)?,
    };
    let groups = elementwise::group(&nodes, wanted);
    let mut tasks = Vec::new();
    for item in &groups.order {
        match item {
            Item::Node(at) => {
                let task = single(&mut nodes, *at, made_by);
                push_single(&mut tasks, task);
            }
            Item::Group(group) => {
                push_group(&nodes, &groups, *group, (wanted, made_by), &mut tasks);
            }
        }
    }
    Ok(tasks)
}

/// The nodes that are needed, ready to run.
fn prepared(graph: &Graph, wanted: &[Value], compile: &Compile) -> Result<Vec<Option<Prepared>>> {
    let mut prepared: Vec<Option<Prepared>> = graph.nodes.iter().map(|_| None).collect();
    let mut open = wanted.to_vec();
    while let Some(value) = open.pop() {
        let Source::Node { node: at, .. } = *graph.source(value) else {
            continue;
        };
        if prepared[at].is_none() {
            let node = &graph.nodes[at];
            let inputs: Vec<&Spec> = node.inputs.iter().map(|v| graph.spec(*v)).collect();
            let outputs: Vec<&Spec> = node.outputs.iter().map(|v| graph.spec(*v)).collect();
            let made = prepare(&*node.op, &inputs, &outputs, compile);
            prepared[at] = Some(made.map_err(|e| e.in_layer(&node.layer))?);
            open.extend(&node.inputs);
        }
    }
    Ok(prepared)
}

/// The task of one node.
fn single(nodes: &mut Nodes, at: usize, made_by: &Makers) -> Task {
    let node = &nodes.graph.nodes[at];
    let specs = |values: &[Value]| values.iter().map(|v| nodes.graph.spec(*v)).collect();
    let (inputs, outputs): (Vec<&Spec>, Vec<&Spec>) = (specs(&node.inputs), specs(&node.outputs));
    let prepared = nodes.prepared[at].take().expect("a node that is needed");
    Task {
        name: node.op.name().to_string(),
        is_view: matches!(prepared, Prepared::View),
        kernel: prepared.into_kernel(&inputs, &outputs),
        inputs: node.inputs.clone(),
        outputs: node.outputs.clone(),
        layer: node.layer.clone(),
        is_gradient: node.is_gradient,
        parts: vec![Part::of(nodes.graph, at)],
        fusions: made_by.get(&node.outputs[0]).cloned().unwrap_or_default(),
        misses: Vec::new(),
    }
}

/// Adds a node's task, chained to the task that makes its first input where it can go on with that.
fn push_single(tasks: &mut Vec<Task>, mut task: Task) {
    if task.kernel.consumes() {
        match producer(tasks, &task.inputs[..1], |_| true) {
            Ok(at) => {
                let outputs = [&tasks[at].outputs[..], &task.outputs].concat();
                task = chained(tasks.remove(at), task, outputs);
            }
            Err(why) => task.misses.extend(why),
        }
    }
    tasks.push(task);
}

/// Adds a group's task, chained to a task that makes one of its inputs where it can go on with that.
fn push_group(
    nodes: &Nodes,
    groups: &Groups,
    group: usize,
    (wanted, made_by): (&[Value], &Makers),
    tasks: &mut Vec<Task>,
) {
    let (mut first, mut misses) = (None, Vec::new());
    let joined = groups.join(nodes, group, wanted, |inputs, takes| {
        match producer(tasks, inputs, takes) {
            Ok(at) => {
                first = Some(at);
                Some(tasks[at].outputs[0])
            }
            Err(why) => {
                misses.extend(why);
                None
            }
        }
    });
    let Joined {
        kernel,
        inputs,
        outputs,
        members,
    } = joined;
    let makers = members
        .iter()
        .flat_map(|n| made_by.get(&nodes.graph.nodes[*n].outputs[0]));
    let mut fusions: Vec<&'static str> = makers.flatten().copied().collect();
    fusions.extend((members.len() > 1).then_some(elementwise::NAME));
    fusions.dedup();
    let last = &nodes.graph.nodes[members[members.len() - 1]];
    let task = Task {
        name: elementwise::NAME.to_string(),
        kernel,
        is_view: false,
        inputs,
        outputs: outputs.clone(),
        layer: last.layer.clone(),
        is_gradient: last.is_gradient,
        parts: members
            .iter()
            .map(|at| Part::of(nodes.graph, *at))
            .collect(),
        fusions,
        misses,
    };
    let task = match first {
        Some(at) => chained(tasks.remove(at), task, outputs),
        None => task,
    };
    tasks.push(task);
}

/// The last task that makes one of `inputs` tile by tile, where nothing has read it yet and it `fits`;
/// else why there is none, where one came near.
fn producer(
    tasks: &[Task],
    inputs: &[Value],
    fits: impl Fn(&Value) -> bool,
) -> std::result::Result<usize, Option<String>> {
    let mut why = None;
    for at in (0..tasks.len()).rev() {
        let task = &tasks[at];
        let [made] = task.outputs[..] else {
            continue;
        };
        if !inputs.contains(&made) || !task.kernel.produces() {
            continue;
        }
        if tasks[at..].iter().any(|t| t.inputs.contains(&made)) {
            why = Some(format!(
                "{CHAIN}: what {} makes has been read before",
                task.name
            ));
        } else if !fits(&made) {
            why = Some(format!(
                "{CHAIN}: what {} makes is stored or has no room",
                task.name
            ));
        } else {
            return Ok(at);
        }
    }
    Err(why)
}

/// The task that does what `first` and then `then` do, which goes on with the output of the first.
fn chained(first: Task, then: Task, outputs: Vec<Value>) -> Task {
    let made = first.outputs[0];
    let input = then.inputs.iter().position(|v| *v == made);
    let input = input.expect("the second reads what the first makes");
    let mut inputs = first.inputs;
    let count = inputs.len();
    let others = then.inputs.iter().enumerate().filter(|(i, _)| *i != input);
    inputs.extend(others.map(|(_, v)| *v));
    let mut fusions = [first.fusions, then.fusions].concat();
    fusions.push(CHAIN);
    Task {
        name: format!("{} + {}", first.name, then.name),
        kernel: chain(first.kernel, count, then.kernel, input),
        is_view: false,
        inputs,
        outputs,
        layer: first.layer,
        is_gradient: first.is_gradient,
        parts: [first.parts, then.parts].concat(),
        fusions,
        misses: [first.misses, then.misses].concat(),
    }
}
