//! A graph that an op owns, as an attribute of it.
//!
//! It says what its nodes are and not of which shapes: those follow from the inputs ([`Body::build`]). Its
//! values are numbered: the inputs, the constants, then what the nodes give, in their order.

use super::broadcast_to::BroadcastTo;
use super::cast::Cast;
use super::entry;
use super::named;
use super::reshape::Reshape;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Op, Source, Value};
use crate::kernels::map;
use crate::size::dims;
use crate::tensor::{DType, Element, Spec, Tensor};
use crate::with_dtype;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Where errors lie that no op of a body has made.
const PLACE: &str = "body";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// How many there are.
    pub inputs: usize,
    constants: Vec<Constant>,
    nodes: Vec<Call>,
    /// The values that it computes.
    pub outputs: Vec<usize>,
}

/// Numbers that do not depend on the inputs; `floats` or `ints`, as the dtype is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Constant {
    #[serde(with = "named")]
    dtype: DType,
    shape: Vec<usize>,
    floats: Vec<f64>,
    ints: Vec<i64>,
}

/// An op on values of these numbers, which gives so many.
#[derive(Clone, Debug)]
struct Call {
    op: Arc<dyn Op>,
    inputs: Vec<usize>,
    outputs: usize,
    layer: Arc<str>,
}

/// A body whose inputs have specs.
pub struct Built {
    pub graph: Graph,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
}

impl Body {
    /// What computes `outputs` from `inputs`, which may be any values of the graph.
    pub fn of(graph: &Graph, inputs: &[Value], outputs: &[Value]) -> Result<Body> {
        let mut numbers: HashMap<Value, usize> = HashMap::new();
        for (number, value) in inputs.iter().enumerate() {
            numbers.entry(*value).or_insert(number);
        }
        let mut body = Body {
            inputs: inputs.len(),
            constants: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
        };
        let mut needed = vec![false; graph.nodes.len()];
        let mut open = outputs.to_vec();
        while let Some(value) = open.pop() {
            if numbers.contains_key(&value) {
                continue;
            }
            match graph.source(value) {
                Source::Node { node, .. } => {
                    if !std::mem::replace(&mut needed[*node], true) {
                        open.extend(&graph.nodes[*node].inputs);
                    }
                }
                Source::Constant(tensor) => {
                    numbers.insert(value, body.inputs + body.constants.len());
                    body.constants.push(Constant::of(tensor));
                }
                Source::Input { .. } | Source::Read(_) => {
                    let expected = "values that follow from its inputs";
                    return Err(Error::attribute(
                        PLACE,
                        expected,
                        "one that comes from outside",
                    ));
                }
            }
        }
        let mut next = body.inputs + body.constants.len();
        for node in graph
            .nodes
            .iter()
            .zip(needed)
            .filter_map(|(n, is)| is.then_some(n))
        {
            body.nodes.push(Call {
                op: node.op.clone(),
                inputs: node.inputs.iter().map(|v| numbers[v]).collect(),
                outputs: node.outputs.len(),
                layer: node.layer.clone(),
            });
            for output in &node.outputs {
                numbers.entry(*output).or_insert(next);
                next += 1;
            }
        }
        body.outputs = outputs.iter().map(|v| numbers[v]).collect();
        Ok(body)
    }

    /// The graph for inputs of these specs; the ops check them.
    pub fn build(&self, specs: &[Spec]) -> Result<Built> {
        let mut graph = Graph::new();
        let inputs = specs.iter().map(|spec| graph.input("", spec.clone()));
        let inputs = inputs.collect::<Result<Vec<Value>>>()?;
        let outputs = self.push(&mut graph, &inputs)?;
        Ok(Built {
            graph,
            inputs,
            outputs,
        })
    }

    /// Pushes the nodes into a graph, on these values of it; gives its outputs.
    pub fn push(&self, graph: &mut Graph, inputs: &[Value]) -> Result<Vec<Value>> {
        let mut values = inputs.to_vec();
        for constant in &self.constants {
            values.push(graph.constant(constant.tensor()?));
        }
        for call in &self.nodes {
            let inputs = known(&values, &call.inputs)?;
            graph.set_layer(&call.layer);
            let outputs = graph.push_node(call.op.clone(), &inputs)?;
            if outputs.len() < call.outputs {
                let (expected, got) = (outputs.len(), call.outputs);
                let expected = format!("{expected} outputs of {}", call.op.name());
                return Err(Error::attribute(PLACE, expected, got.to_string()));
            }
            values.extend(&outputs[..call.outputs]);
        }
        known(&values, &self.outputs)
    }
}

/// The values of these numbers.
fn known(values: &[Value], numbers: &[usize]) -> Result<Vec<Value>> {
    let value = |number: &usize| {
        let value = values.get(*number).copied();
        value.ok_or_else(|| {
            let expected = format!("values below {}", values.len());
            Error::attribute(PLACE, expected, number.to_string())
        })
    };
    numbers.iter().map(value).collect()
}

impl Constant {
    fn of(tensor: &Tensor) -> Self {
        let Spec { shape, dtype } = tensor.spec();
        let (mut floats, mut ints) = (Vec::new(), Vec::new());
        with_dtype!(*dtype, T => {
            let elements = T::slice(tensor.data());
            match dtype.is_float() {
                true => {
                    floats.resize(elements.len(), 0.0);
                    map::cast(elements, &mut floats);
                }
                false => {
                    ints.resize(elements.len(), 0);
                    map::cast(elements, &mut ints);
                }
            }
        });
        Constant {
            dtype: *dtype,
            shape: dims(shape).to_vec(),
            floats,
            ints,
        }
    }

    fn tensor(&self) -> Result<Tensor> {
        let spec = Spec::new(&self.shape, self.dtype);
        spec.check(PLACE)?;
        let count = match self.dtype.is_float() {
            true => self.floats.len(),
            false => self.ints.len(),
        };
        if count != spec.len() || count != self.floats.len() + self.ints.len() {
            let expected = format!("the elements of {spec}");
            return Err(Error::attribute(
                PLACE,
                expected,
                format!("{count} numbers"),
            ));
        }
        let mut tensor = Tensor::zeros(spec)?;
        with_dtype!(self.dtype, T => {
            let mut data = tensor.data_mut();
            let elements = T::slice_mut(&mut data);
            match self.dtype.is_float() {
                true => map::cast(&self.floats[..], elements),
                false => map::cast(&self.ints[..], elements),
            }
        });
        Ok(tensor)
    }
}

const FIELDS: [&str; 5] = ["op", "attrs", "inputs", "outputs", "layer"];

impl Serialize for Call {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Call", FIELDS.len())?;
        fields.serialize_field(FIELDS[0], self.op.name())?;
        fields.serialize_field(FIELDS[1], &*self.op)?;
        fields.serialize_field(FIELDS[2], &self.inputs)?;
        fields.serialize_field(FIELDS[3], &self.outputs)?;
        fields.serialize_field(FIELDS[4], &*self.layer)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Call {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_struct("Call", &FIELDS, Calls)
    }
}

/// Reads a call, the op's name before its attributes.
struct Calls;

impl<'de> Visitor<'de> for Calls {
    type Value = Call;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "the fields {}", FIELDS.join(", "))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Call, M::Error> {
        let (mut name, mut op) = (None::<String>, None);
        let (mut inputs, mut outputs, mut layer) = (None, None, String::new());
        while let Some(field) = map.next_key::<String>()? {
            match &field[..] {
                "op" => name = Some(map.next_value()?),
                "attrs" => {
                    let name = name
                        .as_deref()
                        .ok_or_else(|| M::Error::missing_field("op"))?;
                    op = Some(map.next_value_seed(Attributes(name))?);
                }
                "inputs" => inputs = Some(map.next_value()?),
                "outputs" => outputs = Some(map.next_value()?),
                "layer" => layer = map.next_value()?,
                other => return Err(M::Error::unknown_field(other, &FIELDS)),
            }
        }
        Ok(Call {
            op: op.ok_or_else(|| M::Error::missing_field("attrs"))?,
            inputs: inputs.ok_or_else(|| M::Error::missing_field("inputs"))?,
            outputs: outputs.ok_or_else(|| M::Error::missing_field("outputs"))?,
            layer: layer.into(),
        })
    }
}

/// Reads the attributes of the op of this name.
struct Attributes<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Attributes<'_> {
    type Value = Arc<dyn Op>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        from: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        let entry = entry(self.0).map_err(D::Error::custom)?;
        (entry.read)(&mut <dyn erased_serde::Deserializer>::erase(from)).map_err(D::Error::custom)
    }
}

/// The values of nodes and leaves before `first`, none of them constant or of `inputs`, that `outputs` are
/// computed from.
pub fn read_before(graph: &Graph, inputs: &[Value], outputs: &[Value], first: usize) -> Vec<Value> {
    let mut seen = vec![false; graph.len()];
    let mut read = Vec::new();
    let mut open = outputs.to_vec();
    while let Some(value) = open.pop() {
        if std::mem::replace(&mut seen[value.0], true) || inputs.contains(&value) {
            continue;
        }
        match graph.source(value) {
            Source::Constant(_) => {}
            Source::Node { node, .. } if graph.nodes[*node].outputs[0].0 >= first => {
                open.extend(&graph.nodes[*node].inputs);
            }
            _ => read.push(value),
        }
    }
    read.sort_unstable();
    read
}

/// Of each value of a graph, whether it follows from `fixed` values and constants alone.
pub fn follow_from(graph: &Graph, fixed: &[Value]) -> Vec<bool> {
    let mut follows = vec![false; graph.len()];
    for at in 0..graph.len() {
        follows[at] = match graph.source(Value(at)) {
            Source::Constant(_) => true,
            Source::Node { node, .. } => graph.nodes[*node].inputs.iter().all(|v| follows[v.0]),
            Source::Input { .. } | Source::Read(_) => fixed.contains(&Value(at)),
        };
    }
    follows
}

/// Whether a node costs no more than reading what it gives, so that nobody keeps it.
pub fn is_cheap(node: &Node) -> bool {
    node.op::<Reshape>().is_some()
        || node.op::<BroadcastTo>().is_some()
        || node.op::<Cast>().is_some()
}
