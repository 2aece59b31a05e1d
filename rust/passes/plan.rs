//! Where every value lives while a program runs: lifetimes, memory shared in place, one arena.

use super::tasks::Task;
use crate::graph::{Cell, Graph, Source, Value};
use crate::memory::ALIGN;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Where a value's elements are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Place {
    /// Byte offset in the arena.
    Arena(usize),
    /// Index of [`Plan::cells`].
    Cell(usize),
    /// The constant value itself.
    Constant(Value),
}

/// The memory of one program.
#[derive(Debug)]
pub struct Plan {
    pub places: HashMap<Value, Place>,
    /// The value that each view and each result in place shares its memory with: the first of them.
    pub first: HashMap<Value, Value>,
    /// Per task, the output that each input is overwritten by, if any.
    pub in_place: Vec<Vec<Option<usize>>>,
    /// Per task, offset and bytes of its scratch memory.
    pub scratch: Vec<(usize, usize)>,
    /// Cells read or assigned; true where assigned.
    pub cells: Vec<(Arc<Cell>, bool)>,
    /// Values to copy into cells at the end of a run.
    pub copies: Vec<(Value, usize)>,
    /// Bytes of the arena; `None` where they are more than memory has addresses.
    pub bytes: Option<usize>,
}

impl Plan {
    /// The first of the values that have this one's memory.
    pub fn first_of(&self, value: Value) -> Value {
        *self.first.get(&value).unwrap_or(&value)
    }
}

/// The value that each cell takes at the end of a run.
type Assigned<'a> = &'a [(Arc<Cell>, Value)];

/// Plans the tasks of a graph whose `outputs` are read after the run.
pub fn plan(graph: &Graph, tasks: &[Task], assigned: Assigned, outputs: &[Value]) -> Plan {
    let root = roots(graph, tasks);
    let root_of = |v: &Value| *root.get(v).unwrap_or(v);
    let end = tasks.len();

    let mut last: HashMap<Value, usize> = HashMap::new();
    for (at, task) in tasks.iter().enumerate() {
        for v in &task.inputs {
            last.insert(root_of(v), at);
        }
    }
    for v in outputs {
        last.insert(root_of(v), end);
    }

    let is_assigned = |v| assigned.iter().any(|(_, value)| root_of(value) == v);
    let mut cells: Vec<(Arc<Cell>, bool)> = Vec::new();
    let mut places: HashMap<Value, Place> = HashMap::new();
    let mut arena = Arena::default();
    for (cell, _) in assigned {
        cells.push((cell.clone(), true));
    }
    for at in 0..graph.len() {
        let v = Value(at);
        match graph.source(v) {
            Source::Input { .. } => {
                places.insert(v, Place::Arena(arena.take(graph.spec(v).bytes())));
            }
            Source::Read(cell) => {
                let slot = match cells.iter().position(|(c, _)| c.id == cell.id) {
                    Some(slot) => slot,
                    None if last.contains_key(&v) || is_assigned(v) => {
                        cells.push((cell.clone(), false));
                        cells.len() - 1
                    }
                    None => continue,
                };
                places.insert(v, Place::Cell(slot));
            }
            Source::Constant(_) => {
                places.insert(v, Place::Constant(v));
            }
            Source::Node { .. } => {}
        }
    }

    let mut first: HashMap<Value, Value> = HashMap::new();
    let direct = assigned_in_place(graph, tasks, assigned, outputs, &root_of, &last);
    let mut copies = Vec::new();
    for (slot, (_, value)) in assigned.iter().enumerate() {
        if direct.contains(&slot) {
            places.insert(root_of(value), Place::Cell(slot));
        } else {
            last.insert(root_of(value), end);
            copies.push((*value, slot));
        }
    }

    let mut in_place = Vec::with_capacity(tasks.len());
    let mut scratch = Vec::with_capacity(tasks.len());
    for (at, task) in tasks.iter().enumerate() {
        let mut shared: Vec<Option<usize>> = vec![None; task.inputs.len()];
        for (o, out) in task.outputs.iter().enumerate() {
            if root_of(out) != *out {
                continue;
            }
            let candidate = (0..task.inputs.len()).find(|&i| {
                let v = root_of(&task.inputs[i]);
                let alone = task.inputs.iter().filter(|w| root_of(w) == v).count() == 1;
                let same_place = match places.get(out) {
                    Some(place) => places.get(&v) == Some(place),
                    None => matches!(places.get(&v), Some(Place::Arena(_))) && last[&v] == at,
                };
                alone
                    && same_place
                    && shared[i].is_none()
                    && may_overwrite(task, i, o, graph)
                    && !matches!(graph.source(v), Source::Input { .. })
            });
            if let Some(i) = candidate {
                shared[i] = Some(o);
                let over = root_of(&task.inputs[i]);
                places.insert(*out, places[&over]);
                first.insert(*out, *first.get(&over).unwrap_or(&over));
            } else if !places.contains_key(out) {
                let offset = arena.take(graph.spec(*out).bytes());
                places.insert(*out, Place::Arena(offset));
            }
        }
        let bytes = task.kernel.scratch();
        let offset = arena.take(bytes);
        arena.give(offset, bytes);
        scratch.push((offset, bytes));

        let mut done: Vec<Value> = task.inputs.iter().map(root_of).collect();
        done.extend(
            task.outputs
                .iter()
                .filter(|v| !last.contains_key(&root_of(v))),
        );
        done.sort_unstable();
        done.dedup();
        for v in done {
            let overwritten = task
                .inputs
                .iter()
                .zip(&shared)
                .any(|(i, s)| s.is_some() && root_of(i) == v);
            let ends = last.get(&v).is_none_or(|&l| l == at);
            if let (Some(Place::Arena(offset)), true, false) = (places.get(&v), ends, overwritten) {
                if !matches!(graph.source(v), Source::Input { .. }) {
                    arena.give(*offset, graph.spec(v).bytes());
                }
            }
        }
        in_place.push(shared);
    }
    for task in tasks {
        for out in &task.outputs {
            let shown = root_of(out);
            if let Some(place) = places.get(&shown).copied() {
                places.insert(*out, place);
            }
            if shown != *out {
                first.insert(*out, *first.get(&shown).unwrap_or(&shown));
            }
        }
    }
    Plan {
        places,
        first,
        in_place,
        scratch,
        cells,
        copies,
        bytes: (arena.top <= isize::MAX as usize).then_some(arena.top),
    }
}

/// The value whose memory each view shows.
fn roots(graph: &Graph, tasks: &[Task]) -> HashMap<Value, Value> {
    let mut root: HashMap<Value, Value> = HashMap::new();
    for task in tasks.iter().filter(|t| t.is_view) {
        let from = task.inputs[0];
        if graph.spec(from).dtype == graph.spec(task.outputs[0]).dtype {
            root.insert(task.outputs[0], *root.get(&from).unwrap_or(&from));
        }
    }
    root
}

fn may_overwrite(task: &Task, input: usize, output: usize, graph: &Graph) -> bool {
    graph.spec(task.inputs[input]).bytes() == graph.spec(task.outputs[output]).bytes()
        && task.kernel.in_place(input, output)
}

/// Moves behind all others the tasks that make nothing but the cells' final values, for each other at
/// most: until the first of them begins, a run can fail or be given up and no cell has changed.
pub fn finals_last(
    graph: &Graph,
    tasks: Vec<Task>,
    assigned: Assigned,
    outputs: &[Value],
) -> Vec<Task> {
    let root = roots(graph, &tasks);
    let root_of = |v: &Value| *root.get(v).unwrap_or(v);
    let finals: HashSet<Value> = assigned.iter().map(|(_, v)| *v).collect();
    // What a task that stays where it is reads, or the caller.
    let mut read: HashSet<Value> = outputs.iter().map(root_of).collect();
    let mut last = vec![false; tasks.len()];
    for (at, task) in tasks.iter().enumerate().rev() {
        let is_final = |v| finals.contains(v) && !read.contains(v);
        last[at] = !task.kernel.can_fail() && !task.is_view && task.outputs.iter().all(is_final);
        if !last[at] {
            read.extend(task.inputs.iter().map(root_of));
        }
    }
    let (mut first, mut second) = (Vec::with_capacity(tasks.len()), Vec::new());
    for (task, last) in tasks.into_iter().zip(last) {
        match last {
            true => second.push(task),
            false => first.push(task),
        }
    }
    first.append(&mut second);
    first
}

/// Slots of `assigned` whose new value can be computed straight into the cell: every reader of the old
/// value has run by then, and nothing after it can refuse its input or reads the batch. (What reads
/// the batch belongs to the forward or backward pass, which may take long: it can be given up.)
fn assigned_in_place(
    graph: &Graph,
    tasks: &[Task],
    assigned: Assigned,
    outputs: &[Value],
    root_of: &impl Fn(&Value) -> Value,
    last: &HashMap<Value, usize>,
) -> Vec<usize> {
    let reads_batch = |t: &Task| {
        let mut inputs = t.inputs.iter().map(root_of);
        inputs.any(|v| matches!(graph.source(v), Source::Input { .. }))
    };
    let last_bound = tasks
        .iter()
        .rposition(|t| t.kernel.can_fail() || reads_batch(t));
    let kept: Vec<Value> = outputs.iter().map(root_of).collect();
    let finals: Vec<Value> = assigned.iter().map(|(_, v)| root_of(v)).collect();
    let reads: HashMap<u64, Value> = (0..graph.len())
        .filter_map(|at| match graph.source(Value(at)) {
            Source::Read(cell) => Some((cell.id, Value(at))),
            _ => None,
        })
        .collect();
    (0..finals.len())
        .filter(|&slot| {
            let value = finals[slot];
            let Some(at) = tasks.iter().position(|t| t.outputs.contains(&value)) else {
                return false;
            };
            let unique = finals.iter().filter(|v| **v == value).count() == 1;
            if !unique || kept.contains(&value) || last_bound.is_some_and(|f| f > at) {
                return false;
            }
            let Some(old) = reads.get(&assigned[slot].0.id) else {
                return true;
            };
            if kept.contains(old) || finals.contains(old) {
                return false;
            }
            match last.get(old) {
                None => true,
                Some(&l) if l < at => true,
                Some(&l) if l == at => {
                    let task = &tasks[at];
                    let output = task.outputs.iter().position(|o| *o == value);
                    let readers: Vec<usize> = (0..task.inputs.len())
                        .filter(|&i| root_of(&task.inputs[i]) == *old)
                        .collect();
                    readers.len() == 1
                        && output.is_some_and(|o| may_overwrite(task, readers[0], o, graph))
                }
                Some(_) => false,
            }
        })
        .collect()
}

/// Offsets handed out best fit.
#[derive(Default)]
struct Arena {
    free: Vec<(usize, usize)>,
    top: usize,
}

impl Arena {
    /// The offset of a value of at most `isize::MAX` bytes. Offsets stop at `usize::MAX`, with `top`.
    fn take(&mut self, bytes: usize) -> usize {
        let bytes = bytes.next_multiple_of(ALIGN);
        if bytes == 0 {
            return 0;
        }
        let best = (0..self.free.len())
            .filter(|&i| self.free[i].1 >= bytes)
            .min_by_key(|&i| self.free[i].1);
        match best {
            Some(i) => {
                let (offset, size) = self.free[i];
                if size == bytes {
                    self.free.swap_remove(i);
                } else {
                    self.free[i] = (offset + bytes, size - bytes);
                }
                offset
            }
            None => {
                let offset = self.top;
                self.top = self.top.saturating_add(bytes);
                offset
            }
        }
    }

    fn give(&mut self, offset: usize, bytes: usize) {
        let bytes = bytes.next_multiple_of(ALIGN);
        if bytes == 0 {
            return;
        }
        self.free.push((offset, bytes));
        self.free.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(self.free.len());
        for &(offset, size) in &self.free {
            match merged.last_mut() {
                Some((o, s)) if o.saturating_add(*s) == offset => *s = s.saturating_add(size),
                _ => merged.push((offset, size)),
            }
        }
        self.free = merged;
    }
}

#[cfg(test)]
mod tests;
