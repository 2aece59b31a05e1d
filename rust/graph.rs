//! The trait [`Op`] and the graph of ops with static shapes. Knows no concrete op.

use crate::attrs::Attrs;
use crate::error::{caught, Error, Result};
use crate::kernels::map::Instr;
use crate::kernels::piece::{self, Follow};
use crate::tensor::{Data, DataMut, Element, Spec, Tensor};
use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// Index of a value in its graph.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value(pub usize);

/// What an op's forward reads and writes.
pub struct Io<'a, 'b> {
    pub inputs: &'a [Input<'b>],
    pub outputs: &'a mut [Output<'b>],
    /// As many bytes as [`Op::scratch`] asked for, cache-line aligned, not cleared.
    pub scratch: &'a mut [u8],
}

/// One input of a running op.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub spec: &'a Spec,
    pub data: Data<'a>,
    /// The output that holds this input's elements, when the op runs in place; `data` is empty then.
    pub in_place: Option<usize>,
}

/// One output of a running op.
pub struct Output<'a> {
    pub spec: &'a Spec,
    pub data: DataMut<'a>,
}

impl<'a> Input<'a> {
    pub fn slice<T: Element>(&self) -> &'a [T] {
        T::slice(self.data)
    }
}

impl Output<'_> {
    pub fn slice<T: Element>(&mut self) -> &mut [T] {
        T::slice_mut(&mut self.data)
    }
}

/// One operation: its shape rule, its forward and its backward.
///
/// Files in `ops/` implement it in this order: attributes, `shape`, `forward`, `backward`, then what
/// the planner asks.
pub trait Op: Any + Debug + Send + Sync {
    /// The op's name, which is its file's.
    fn name(&self) -> &'static str;

    /// Checks the inputs' shapes and dtypes and gives the outputs'.
    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>>;

    /// Computes the outputs. An error leaves them unspecified.
    fn forward(&self, io: &mut Io) -> Result<()>;

    /// As `forward`, and tells `follow` of the elements of output 0 piece by piece, as they are made.
    /// Only called where [`Op::has_pieces`].
    fn forward_in_pieces(&self, io: &mut Io, follow: &dyn Follow) -> Result<()> {
        let _ = (io, follow);
        unreachable!("{} has no pieces", self.name())
    }

    /// As `forward`, while `first` makes the input whose data is missing, and tells of it. Only called
    /// where [`Op::follows`], or on a fused op that writes its first output over that input.
    fn forward_following(&self, io: &mut Io, first: Makes) -> Result<()> {
        let _ = (io, first);
        unreachable!("{} does not follow", self.name())
    }

    /// Pushes the gradient by each input; `None` where none flows. The standard one refuses.
    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        let _ = b;
        Err(Error::gradient(self.name(), "a differentiable op", "none"))
    }

    /// Bytes of scratch memory that `forward` wants.
    fn scratch(&self, inputs: &[&Spec]) -> usize {
        let _ = inputs;
        0
    }

    /// Whether `forward_in_pieces` is there; the fusion pass asks.
    fn has_pieces(&self, inputs: &[&Spec]) -> bool {
        let _ = inputs;
        false
    }

    /// Whether `forward_following` can follow the first input, which stays as it is; the fusion pass
    /// asks.
    fn follows(&self) -> bool {
        false
    }

    /// Whether the output is the first input's elements under another shape.
    fn is_view(&self) -> bool {
        false
    }

    /// The element-wise instruction that this op is, if it is one; the fusion pass asks.
    fn pointwise(&self, inputs: &[&Spec]) -> Option<Instr> {
        let _ = inputs;
        None
    }

    /// `(i, v)` where multiplying output 0 by `y > 0` is multiplying input `i` by `v > 0`; the gradient
    /// of relu asks, since `v` may be much smaller than `y`.
    fn relu_mask(&self, inputs: &[Value], y: Value) -> Option<(usize, Value)> {
        let _ = (inputs, y);
        None
    }

    /// The input whose sums over all axes but the last are those of output 0; the gradient of a bias
    /// asks, since that input may be much smaller.
    fn same_column_sums(&self) -> Option<usize> {
        None
    }

    /// Whether the output is the sums of the columns, all axes but the last one summed over; the
    /// fusion pass asks.
    fn sums_columns(&self, inputs: &[&Spec]) -> bool {
        let _ = inputs;
        false
    }

    /// Pushes simpler nodes that give the same outputs, to the last bit, for the compiler to fuse.
    /// `None` where the op runs as it is. It is asked after differentiation.
    fn lower(&self, graph: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let _ = (graph, inputs);
        Ok(None)
    }

    /// Whether `forward` may write this output over the elements of this input.
    fn in_place(&self, input: usize, output: usize) -> bool {
        let _ = (input, output);
        false
    }

    /// Whether `forward` can refuse its input's values: such an op runs before any weight changes.
    fn can_fail(&self) -> bool {
        false
    }
}

/// The specs of an op's outputs, checked.
pub fn infer(op: &dyn Op, inputs: &[&Spec]) -> Result<Vec<Spec>> {
    let outputs = caught(op.name(), || op.shape(inputs))?;
    outputs.iter().try_for_each(|spec| spec.check(op.name()))?;
    Ok(outputs)
}

/// Makes a result, and tells of its pieces.
pub type Makes<'a> = piece::Makes<'a, Error>;

/// What [`Op::backward`] works with.
pub struct Backward<'g> {
    pub graph: &'g mut Graph,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    /// The gradient by each output, where one came.
    pub douts: Vec<Option<Value>>,
    /// Whether anybody wants the gradient by each input.
    pub wanted: Vec<bool>,
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
    /// As given over the border; empty on nodes that backward passes pushed.
    pub attrs: Attrs,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    /// Path of the layer that was being traced.
    pub layer: Arc<str>,
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
    known: HashMap<String, Vec<Value>>,
    layer: Arc<str>,
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
        let key = (tensor.spec().len() <= 16)
            .then(|| format!("constant {} {:?}", tensor.spec(), tensor.bytes()));
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
        if *self.spec(value) != cell.spec {
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

    /// Applies an op. The same op on the same inputs is not computed twice.
    pub fn push(&mut self, op: impl Op + 'static, inputs: &[Value]) -> Result<Value> {
        Ok(self.push_node(Arc::new(op), Attrs::new(), inputs)?[0])
    }

    /// As [`Graph::push`], for an op of any number of outputs made over the border.
    pub fn push_node(
        &mut self,
        op: Arc<dyn Op>,
        attrs: Attrs,
        inputs: &[Value],
    ) -> Result<Vec<Value>> {
        let key = format!("{} {op:?} {inputs:?}", op.name());
        if let Some(found) = self.known.get(&key) {
            // A node that a backward pass pushed learns its attributes from the border.
            if let Source::Node { node, .. } = self.values[found[0].0].1 {
                if self.nodes[node].attrs.is_empty() {
                    self.nodes[node].attrs = attrs;
                }
            }
            return Ok(found.clone());
        }
        let specs: Vec<&Spec> = inputs.iter().map(|v| self.spec(*v)).collect();
        let outputs = infer(&*op, &specs).map_err(|e| e.in_layer(&self.layer))?;
        let node = self.nodes.len();
        let outputs: Vec<Value> = outputs
            .into_iter()
            .enumerate()
            .map(|(output, spec)| self.add(spec, Source::Node { node, output }))
            .collect();
        self.nodes.push(Node {
            op,
            attrs,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
            layer: self.layer.clone(),
        });
        self.known.insert(key, outputs.clone());
        Ok(outputs)
    }

    /// The node that makes a value, and its op where it is a `T`.
    pub fn made_by<T: Op>(&self, value: Value) -> Option<(usize, &T)> {
        let Source::Node { node, .. } = *self.source(value) else {
            return None;
        };
        let op: &dyn Any = &*self.nodes[node].op;
        Some((node, op.downcast_ref()?))
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
