//! From a graph to a program: rewrite, make tasks, plan, and resolve every value to its memory.

use super::arena::{Arenas, Lent, Operand};
use super::clock::Clock;
use super::kept::Kept;
use super::owned::owned_kernel;
use crate::error::{Error, Result};
use crate::graph::{Cell, Graph, Source, Value};
use crate::memory::ALIGN;
use crate::passes::plan::{finals_last, plan, Place, Plan};
use crate::passes::rewrite::{rewrite, Miss};
use crate::passes::tasks::{tasks, Part};
use crate::run::Kernel;
use crate::tensor::{DType, Spec, Tensor};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Where errors of a whole program lie.
const PLACE: &str = "program";

/// A program whose values take less than these bytes is small.
const SMALL: usize = 1 << 20;

fn too_large() -> Error {
    let expected = format!("values of at most {} bytes in all", isize::MAX);
    Error::shape(PLACE, expected, "more")
}

/// One kernel with its operands resolved.
#[derive(Debug)]
pub struct Step {
    /// What it does: an op's name, several of a chain.
    pub name: String,
    pub kernel: Kernel,
    /// The fusions that made it.
    pub fusions: Vec<&'static str>,
    /// Why it is not joined with the one before.
    pub misses: Vec<String>,
    pub inputs: Vec<Operand>,
    pub outputs: Vec<Operand>,
    pub scratch: Operand,
    /// Whether nobody reads output 0 once the step is done.
    pub is_passed_on: bool,
    /// What is kept of a variable that it reads in another order.
    pub kept: Option<Kept>,
    pub layer: Arc<str>,
    pub is_gradient: bool,
    /// The ops that it does the work of.
    pub parts: Vec<Part>,
}

impl Step {
    /// Bytes of what it reads and writes.
    pub fn bytes(&self) -> usize {
        let operands = self.inputs.iter().chain(&self.outputs);
        operands.map(|o| o.spec.bytes()).sum()
    }
}

/// A program whose steps read and write no more bytes is brief: a few microseconds.
const BRIEF: usize = 64 << 10;

/// A compiled graph. Any number of threads may run it; those that assign the same cells wait for each
/// other.
#[derive(Debug)]
pub struct Program {
    /// What to feed, in order: names and places.
    pub feeds: Vec<(String, Operand)>,
    pub steps: Vec<Step>,
    /// The first step that writes a cell: until then a run can be given up.
    pub commit: usize,
    pub outputs: Vec<Operand>,
    /// Copies from computed values to cells at the end of a run.
    pub copies: Vec<(Operand, Operand)>,
    /// Copies that save values about to be overwritten by [`Program::copies`].
    pub saves: Vec<(Operand, Operand)>,
    /// Cells by id, true where assigned.
    pub cells: Vec<(Arc<Cell>, bool)>,
    /// Patterns that could not be fused.
    pub misses: Vec<Miss>,
    /// Whether a run is over sooner than another thread could have used the time.
    pub is_brief: bool,
    pub arenas: Arenas,
    /// Times each step where it is asked to.
    pub clock: Clock,
    _constants: Vec<Arc<Tensor>>,
}

impl Program {
    /// Compiles `outputs` and, where `assign` is set, the graph's assignments.
    pub fn compile(graph: &Graph, outputs: &[Value], assign: bool) -> Result<Program> {
        (0..graph.len()).try_for_each(|at| graph.spec(Value(at)).expect_known(PLACE))?;
        let rewritten = rewrite(graph, outputs, assign)?;
        let graph = rewritten.graph.as_ref().unwrap_or(graph);
        let outputs = &rewritten.outputs[..];
        let assigned = if assign { &graph.assigned[..] } else { &[] };
        let mut wanted = outputs.to_vec();
        wanted.extend(assigned.iter().map(|(_, v)| *v));
        let tasks = tasks(graph, &wanted, &rewritten.made_by, &owned_kernel)?;
        let tasks = finals_last(graph, tasks, assigned, outputs);
        let plan = plan(graph, &tasks, assigned, outputs);

        let constants: Vec<Arc<Tensor>> = (0..graph.len())
            .filter_map(|at| match graph.source(Value(at)) {
                Source::Constant(t) => Some(t.clone()),
                _ => None,
            })
            .collect();
        let is_cell = |v: &Value| matches!(plan.places[v], Place::Cell(_));
        let mut bytes = plan.bytes.ok_or_else(too_large)?;
        let mut saved = Vec::new();
        for (value, _) in plan.copies.iter().filter(|(v, _)| is_cell(v)) {
            saved.push((*value, bytes));
            let size = graph.spec(*value).bytes().next_multiple_of(ALIGN);
            bytes = bytes.checked_add(size).ok_or_else(too_large)?;
        }
        let arenas = Arenas::new(bytes).map_err(|e| e.of_op(PLACE))?;
        let lent = lendable(graph, &plan, outputs);
        let operand = |v: Value| {
            let spec = graph.spec(v).clone();
            let operand = match plan.places[&v] {
                Place::Arena(offset) => Operand::in_arena(&arenas, offset, spec),
                Place::Cell(slot) => Operand::in_cell(&plan.cells[slot].0, spec),
                Place::Constant(c) => match graph.source(c) {
                    Source::Constant(t) => Operand::in_tensor(t, spec),
                    other => unreachable!("a constant's place names {other:?}"),
                },
            };
            operand.or_lent(lent.get(&plan.first_of(v)).copied())
        };

        let mut feeds: Vec<(usize, String, Operand)> = Vec::new();
        for at in 0..graph.len() {
            if let Source::Input { name, index } = graph.source(Value(at)) {
                feeds.push((*index, name.clone(), operand(Value(at))));
            }
        }
        feeds.sort_by_key(|f| f.0);

        let read: HashSet<Value> = tasks
            .iter()
            .flat_map(|task| &task.inputs)
            .chain(&wanted)
            .copied()
            .collect();
        let mut steps = Vec::with_capacity(tasks.len());
        let mut commit = None;
        for (at, task) in tasks.into_iter().enumerate() {
            // What is empty needs no computing, however many rows of nothing it has.
            if !task.outputs.is_empty() && task.outputs.iter().all(|v| graph.spec(*v).is_empty()) {
                continue;
            }
            if task.is_view && plan.places[&task.inputs[0]] == plan.places[&task.outputs[0]] {
                continue;
            }
            if task.outputs.iter().any(is_cell) {
                commit.get_or_insert(steps.len());
            }
            let (offset, size) = plan.scratch[at];
            let repacked = task.kernel.repacking().map(|r| task.inputs[r.input]);
            let kept = repacked.and_then(|value| match plan.places[&value] {
                Place::Cell(slot) if !plan.cells[slot].1 => Kept::of(&plan.cells[slot].0),
                _ => None,
            });
            steps.push(Step {
                name: task.name,
                kernel: task.kernel,
                fusions: task.fusions,
                misses: task.misses,
                inputs: task
                    .inputs
                    .iter()
                    .zip(&plan.in_place[at])
                    .map(|(v, shared)| operand(*v).overwritten_by(*shared))
                    .collect(),
                outputs: task.outputs.iter().map(|v| operand(*v)).collect(),
                scratch: Operand::in_arena(&arenas, offset, Spec::new([size], DType::U8)),
                is_passed_on: task.outputs.first().is_some_and(|v| !read.contains(v)),
                kept,
                layer: task.layer,
                is_gradient: task.is_gradient,
                parts: task.parts,
            });
        }

        let temporary = |v: Value| {
            let at = saved
                .iter()
                .find(|(s, _)| *s == v)
                .map(|(_, offset)| *offset);
            at.map(|offset| Operand::in_arena(&arenas, offset, graph.spec(v).clone()))
        };
        let saves = saved
            .iter()
            .filter_map(|(v, _)| Some((operand(*v), temporary(*v)?)))
            .collect();
        let copies = plan
            .copies
            .iter()
            .map(|(v, slot)| {
                let from = temporary(*v).unwrap_or_else(|| operand(*v));
                let cell = &plan.cells[*slot].0;
                (from, Operand::in_cell(cell, cell.spec.clone()))
            })
            .collect();
        let results = outputs.iter().map(|v| operand(*v)).collect();
        let mut cells = plan.cells.clone();
        cells.sort_by_key(|(cell, _)| cell.id);
        Ok(Program {
            commit: commit.unwrap_or(steps.len()),
            is_brief: steps.iter().map(Step::bytes).sum::<usize>() <= BRIEF,
            feeds: feeds.into_iter().map(|(_, n, o)| (n, o)).collect(),
            clock: Clock::new(steps.len()),
            steps,
            outputs: results,
            copies,
            saves,
            cells,
            misses: rewritten.misses,
            arenas,
            _constants: constants,
        })
    }

    /// Whether a run takes so little time that nobody waits to give it up.
    pub fn is_small(&self) -> bool {
        self.arenas.bytes() < SMALL
    }
}

/// What a run may be lent memory for, by the first value of that memory: each feed, and each output
/// that is computed into the arena; of values that share memory one.
fn lendable(graph: &Graph, plan: &Plan, outputs: &[Value]) -> HashMap<Value, Lent> {
    let mut lent = HashMap::new();
    for at in 0..graph.len() {
        if let Source::Input { index, .. } = graph.source(Value(at)) {
            lent.insert(Value(at), Lent::Feed(*index));
        }
    }
    for (at, value) in outputs.iter().enumerate() {
        if let Place::Arena(_) = plan.places[value] {
            lent.entry(plan.first_of(*value))
                .or_insert(Lent::Result(at));
        }
    }
    lent
}
