//! The trait [`Op`] and the graph of ops with static shapes. Knows no concrete op.

use crate::error::{caught, Error, Result};
use crate::memory::expect_room;
use crate::run::{Kernel, Prepared};
use crate::tensor::{Spec, Tensor};
use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// Index of a value in its graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value(pub usize);

/// One operation: its attributes, its shape rule, its derivative, and how it runs.
///
/// The attributes are the fields of the struct that implements it; serde reads and writes them.
pub trait Op: erased_serde::Serialize + Any + Debug + Send + Sync {
    /// The op's name, which is its file's.
    fn name(&self) -> &'static str;

    /// Checks the attributes and the inputs' shapes and dtypes, and gives the outputs'.
    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>>;

    /// Pushes the gradient by each input; `None` where none flows. The standard one refuses.
    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let _ = b;
        let wanted = "an op that has a derivative";
        Err(Error::gradient(self.name(), wanted, "one that has none"))
    }

    /// What runs on inputs and outputs of these specs, which [`Op::shape`] has checked.
    fn prepare(&self, inputs: &[&Spec], outputs: &[&Spec]) -> Result<Prepared>;

    /// The same for an op that owns a graph, of which `compile` makes the kernel that its own runs. Called
    /// in place of [`Op::prepare`], which is enough for all others.
    fn prepare_with(
        &self,
        inputs: &[&Spec],
        outputs: &[&Spec],
        compile: &Compile,
    ) -> Result<Prepared> {
        let _ = compile;
        self.prepare(inputs, outputs)
    }
}

erased_serde::serialize_trait_object!(Op);

/// The specs of an op's outputs, checked.
pub fn infer(op: &dyn Op, inputs: &[&Spec]) -> Result<Vec<Spec>> {
    let outputs = caught(op.name(), || op.shape(inputs))?;
    outputs.iter().try_for_each(|spec| spec.check(op.name()))?;
    Ok(outputs)
}

/// Makes a kernel that takes a graph's inputs, in their order, and computes these values of it. Ops know
/// programs by this alone.
pub type Compile = dyn Fn(&Graph, &[Value]) -> Result<Kernel>;

/// The op made ready to run, its faults as errors.
pub fn prepare(
    op: &dyn Op,
    inputs: &[&Spec],
    outputs: &[&Spec],
    compile: &Compile,
) -> Result<Prepared> {
    for spec in inputs.iter().chain(outputs) {
        spec.expect_known(op.name())?;
        expect_room(spec.bytes()).map_err(|e| e.of_op(op.name()))?;
    }
    // What is empty needs no computing, nor tables as long as its axes.
    if !outputs.is_empty() && outputs.iter().all(|spec| spec.is_empty()) {
        return Ok(Kernel::new(|_| Ok(())).into());
    }
    caught(op.name(), || op.prepare_with(inputs, outputs, compile))
}

/// What tells an op on its inputs from all others: the same key, the same outputs.
fn key_of(op: &dyn Op, inputs: &[Value]) -> Result<Vec<u8>> {
    let mut key = op.name().as_bytes().to_vec();
    key.push(0);
    let unwritable = |e: rmp_serde::encode::Error| {
        Error::attribute(op.name(), "attributes that can be written", e.to_string())
    };
    rmp_serde::encode::write(&mut key, op).map_err(unwritable)?;
    for Value(input) in inputs {
        key.extend(input.to_le_bytes());
    }
    Ok(key)
}

/// Pushes the gradients by `wrt` of the sum over `(value, weights)` of `value * weights`, into the graph
/// that the values are of; `None` where nothing depends on one. Ops know autodiff by this alone.
pub type Pullback = fn(&mut Graph, &[(Value, Value)], wrt: &[Value]) -> Result<Vec<Option<Value>>>;

/// What [`Op::backward`] works with.
pub struct Backward<'g> {
    pub graph: &'g mut Graph,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    /// The gradient by each output, where one came.
    pub douts: Vec<Option<Value>>,
    /// Whether anybody wants the gradient by each input.
    pub wanted: Vec<bool>,
    /// Differentiates a graph that the op owns.
    pub pullback: Pullback,
}

impl Backward<'_> {
    /// The gradient by output 0; autodiff calls `backward` only when one came for some output.
    pub fn dout(&self, op: &str) -> Result<Value> {
        self.douts[0].ok_or_else(|| Error::gradient(op, "a gradient by output 0", "none"))
    }

    pub fn spec(&self, value: Value) -> Spec {
        self.graph.spec(value).clone()
    }
}

static NEXT_CELL: AtomicU64 = AtomicU64::new(0);

/// A variable's storage: read and assigned by graphs, shared with Python.
#[derive(Debug)]
pub struct Cell {
    pub id: u64,
    pub spec: Spec,
    pub tensor: RwLock<Tensor>,
}

impl Cell {
    pub fn new(tensor: Tensor) -> Arc<Self> {
        Arc::new(Cell {
            id: NEXT_CELL.fetch_add(1, Ordering::Relaxed),
            spec: tensor.spec().clone(),
            tensor: RwLock::new(tensor),
        })
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Fed at each run, by position.
    Input {
        name: String,
        index: usize,
    },
    /// A variable's value at the start of the run.
    Read(Arc<Cell>),
    Constant(Arc<Tensor>),
    /// Output `output` of node `node`.
    Node {
        node: usize,
        output: usize,
    },
}

/// One application of an op.
#[derive(Clone, Debug)]
pub struct Node {
    pub op: Arc<dyn Op>,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    /// Path of the layer that was being traced.
    pub layer: Arc<str>,
    /// Whether differentiation pushed it.
    pub is_gradient: bool,
}

impl Node {
    /// The op where it is a `T`.
    pub fn op<T: Op>(&self) -> Option<&T> {
        let op: &dyn Any = &*self.op;
        op.downcast_ref()
    }
}

/// A graph under construction. Nodes are in an order in which they can run.
#[derive(Default)]
pub struct Graph {
    values: Vec<(Spec, Source)>,
    pub nodes: Vec<Node>,
    reads: HashMap<u64, Value>,
    /// The value that each assigned cell takes at the end of the run, in order of first assignment.
    pub assigned: Vec<(Arc<Cell>, Value)>,
    inputs: usize,
    known: HashMap<Vec<u8>, Vec<Value>>,
    layer: Arc<str>,
    is_gradient: bool,
}

impl Graph {
    pub fn new() -> Self {
        Graph {
            layer: "".into(),
            ..Graph::default()
        }
    }

    fn add(&mut self, spec: Spec, source: Source) -> Value {
        self.values.push((spec, source));
        Value(self.values.len() - 1)
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn spec(&self, value: Value) -> &Spec {
        &self.values[value.0].0
    }

    pub fn source(&self, value: Value) -> &Source {
        &self.values[value.0].1
    }

    /// Names the layer that the next nodes belong to.
    pub fn set_layer(&mut self, path: &str) {
        if &*self.layer != path {
            self.layer = path.into();
        }
    }

    /// Says whether the next nodes belong to a derivative; gives what was said before.
    pub fn set_gradient(&mut self, is_gradient: bool) -> bool {
        std::mem::replace(&mut self.is_gradient, is_gradient)
    }

    pub fn input(&mut self, name: &str, spec: Spec) -> Result<Value> {
        spec.check(&format!("input '{name}'"))?;
        let index = self.inputs;
        self.inputs += 1;
        Ok(self.add(
            spec,
            Source::Input {
                name: name.to_string(),
                index,
            },
        ))
    }

    /// The current value of a cell: what was assigned last in this graph, else what it holds.
    pub fn read(&mut self, cell: &Arc<Cell>) -> Value {
        if let Some((_, value)) = self.assigned.iter().find(|(c, _)| c.id == cell.id) {
            return *value;
        }
        if let Some(value) = self.reads.get(&cell.id) {
            return *value;
        }
        let value = self.add(cell.spec.clone(), Source::Read(cell.clone()));
        self.reads.insert(cell.id, value);
        value
    }

    pub fn constant(&mut self, tensor: impl Into<Arc<Tensor>>) -> Value {
        let tensor = tensor.into();
        let key = (tensor.spec().len() <= 16).then(|| {
            [
                format!("constant {} ", tensor.spec()).as_bytes(),
                tensor.bytes(),
            ]
            .concat()
        });
        if let Some(found) = key.as_ref().and_then(|k| self.known.get(k)) {
            return found[0];
        }
        let value = self.add(tensor.spec().clone(), Source::Constant(tensor));
        if let Some(key) = key {
            self.known.insert(key, vec![value]);
        }
        value
    }

    /// Lets the cell take the value at the end of the run.
    pub fn assign(&mut self, cell: &Arc<Cell>, value: Value) -> Result<()> {
        if !self.spec(value).may_be(&cell.spec) {
            return Err(Error::shape(
                "assign",
                cell.spec.to_string(),
                self.spec(value).to_string(),
            )
            .in_layer(&self.layer));
        }
        match self.assigned.iter_mut().find(|(c, _)| c.id == cell.id) {
            Some(slot) => slot.1 = value,
            None => self.assigned.push((cell.clone(), value)),
        }
        Ok(())
    }

    /// Applies an op of one output. The same op on the same inputs is not computed twice.
    pub fn push(&mut self, op: impl Op, inputs: &[Value]) -> Result<Value> {
        Ok(self.push_node(Arc::new(op), inputs)?[0])
    }

    /// As [`Graph::push`], for an op of any number of outputs.
    pub fn push_node(&mut self, op: Arc<dyn Op>, inputs: &[Value]) -> Result<Vec<Value>> {
        let key = key_of(&*op, inputs)?;
        if let Some(found) = self.known.get(&key) {
            return Ok(found.clone());
        }
        let specs: Vec<&Spec> = inputs.iter().map(|v| self.spec(*v)).collect();
        let outputs = infer(&*op, &specs).map_err(|e| e.in_layer(&self.layer))?;
        Ok(self.insert(key, op, inputs, outputs))
    }

    /// Applies the op of another graph's node, whose inputs here have the specs that they have there.
    pub fn copy_node(&mut self, from: &Graph, node: &Node, inputs: &[Value]) -> Result<Vec<Value>> {
        let key = key_of(&*node.op, inputs)?;
        if let Some(found) = self.known.get(&key) {
            return Ok(found.clone());
        }
        let outputs = node.outputs.iter().map(|v| from.spec(*v).clone());
        Ok(self.insert(key, node.op.clone(), inputs, outputs.collect()))
    }

    fn insert(
        &mut self,
        key: Vec<u8>,
        op: Arc<dyn Op>,
        inputs: &[Value],
        outputs: Vec<Spec>,
    ) -> Vec<Value> {
        let node = self.nodes.len();
        let outputs: Vec<Value> = outputs
            .into_iter()
            .enumerate()
            .map(|(output, spec)| self.add(spec, Source::Node { node, output }))
            .collect();
        self.nodes.push(Node {
            op,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
            layer: self.layer.clone(),
            is_gradient: self.is_gradient,
        });
        self.known.insert(key, outputs.clone());
        outputs
    }

    /// The node that makes a value, and its op where it is a `T`.
    pub fn made_by<T: Op>(&self, value: Value) -> Option<(usize, &T)> {
        let Source::Node { node, .. } = *self.source(value) else {
            return None;
        };
        Some((node, self.nodes[node].op()?))
    }

    /// Gives a node another op, whose first outputs are those that the node has; also gives the others.
    pub fn replace(&mut self, node: usize, op: impl Op) -> Result<Vec<Value>> {
        let inputs = self.nodes[node].inputs.iter();
        let specs: Vec<&Spec> = inputs.map(|v| self.spec(*v)).collect();
        let outputs = infer(&op, &specs)?;
        let known = self.nodes[node].outputs.len();
        for (output, spec) in outputs.into_iter().enumerate().skip(known) {
            let value = self.add(spec, Source::Node { node, output });
            self.nodes[node].outputs.push(value);
        }
        self.nodes[node].op = Arc::new(op);
        Ok(self.nodes[node].outputs.clone())
    }
}
