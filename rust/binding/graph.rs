//! `Graph`: built by traces, differentiated, compiled.

use super::array::{dtype_from, to_numpy, to_tensor};
use super::calls::detached;
use super::cell::PyCell;
use super::op::{attributes_of, op_from};
use super::program::PyProgram;
use super::size::{shape_from, shape_to_python};
use crate::error::{caught, Error};
use crate::graph::{Graph, Source, Value};
use crate::ops::body::{read_before, Body};
use crate::passes::autodiff;
use crate::program::Program;
use crate::tensor::Spec;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use pythonize::{depythonize, pythonize};

#[pyclass(name = "Graph", module = "chainrule._core")]
pub struct PyGraph {
    graph: Graph,
}

impl PyGraph {
    fn value(&self, id: usize) -> PyResult<Value> {
        match id < self.graph.len() {
            true => Ok(Value(id)),
            false => Err(PyIndexError::new_err(format!(
                "graph: expected a value below {}, got {id}",
                self.graph.len()
            ))),
        }
    }

    fn values(&self, ids: &[usize]) -> PyResult<Vec<Value>> {
        ids.iter().map(|id| self.value(*id)).collect()
    }
}

#[pymethods]
impl PyGraph {
    #[new]
    fn new() -> Self {
        PyGraph {
            graph: Graph::new(),
        }
    }

    /// A value to feed at each run.
    fn input(&mut self, name: &str, shape: &Bound<'_, PyAny>, dtype: &str) -> PyResult<usize> {
        let shape = shape_from(&format!("input '{name}'"), shape)?;
        let spec = Spec::new(shape, dtype_from(dtype)?);
        Ok(self.graph.input(name, spec)?.0)
    }

    /// The current value of a cell.
    fn read(&mut self, cell: &PyCell) -> usize {
        self.graph.read(&cell.cell).0
    }

    fn constant(&mut self, array: &Bound<'_, PyAny>) -> PyResult<usize> {
        Ok(self.graph.constant(to_tensor(array)?).0)
    }

    /// Applies an op; gives its outputs.
    fn push(
        &mut self,
        op: &str,
        attrs: &Bound<'_, PyDict>,
        inputs: Vec<usize>,
    ) -> PyResult<Vec<usize>> {
        let op = op_from(op, attrs)?;
        let inputs = self.values(&inputs)?;
        let outputs = self.graph.push_node(op, &inputs)?;
        Ok(outputs.into_iter().map(|v| v.0).collect())
    }

    /// Lets a cell take a value at the end of each run; later reads see it.
    fn assign(&mut self, cell: &PyCell, value: usize) -> PyResult<()> {
        let value = self.value(value)?;
        Ok(self.graph.assign(&cell.cell, value)?)
    }

    /// Names the layer that the next nodes belong to.
    fn set_layer(&mut self, path: &str) {
        self.graph.set_layer(path);
    }

    /// Shape and dtype of a value.
    fn spec<'py>(&self, py: Python<'py>, value: usize) -> PyResult<(Bound<'py, PyTuple>, &str)> {
        let spec = self.graph.spec(self.value(value)?);
        Ok((shape_to_python(py, &spec.shape)?, spec.dtype.name()))
    }

    /// The gradient of a scalar by each value.
    fn gradients(&mut self, loss: usize, wrt: Vec<usize>) -> PyResult<Vec<usize>> {
        let (loss, wrt) = (self.value(loss)?, self.values(&wrt)?);
        let graph = &mut self.graph;
        let gradients = caught("gradients", || autodiff::gradients(graph, loss, &wrt))?;
        Ok(gradients.into_iter().map(|v| v.0).collect())
    }

    /// The gradients by `wrt` of the sum over `values` and `weights` of `value * weight`, None where nothing
    /// depends on one. `fixed` values depend on no other.
    fn pullback(
        &mut self,
        values: Vec<usize>,
        weights: Vec<usize>,
        wrt: Vec<usize>,
        fixed: Vec<usize>,
    ) -> PyResult<Vec<Option<usize>>> {
        let (values, weights) = (self.values(&values)?, self.values(&weights)?);
        let (wrt, fixed) = (self.values(&wrt)?, self.values(&fixed)?);
        let mut seeds = Vec::new();
        for (value, weight) in values.into_iter().zip(weights) {
            let (spec, given) = (self.graph.spec(value), self.graph.spec(weight));
            if !spec.may_be(given) || !spec.dtype.is_float() {
                let expected = format!("weights like a float value of {spec}");
                return Err(Error::shape("pullback", expected, given.to_string()).into());
            }
            seeds.push((value, weight));
        }
        let graph = &mut self.graph;
        let pull = || autodiff::pullback_around(graph, &seeds, &wrt, &fixed);
        let found = caught("pullback", pull)?;
        Ok(found.into_iter().map(|v| v.map(|v| v.0)).collect())
    }

    /// Every leaf and node as a dictionary: what the NumPy reference walks.
    fn nodes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let out = PyList::empty(py);
        let item = |op: &str, attrs: Bound<'py, PyDict>, inputs: &[Value], outputs: &[Value]| {
            let dict = PyDict::new(py);
            dict.set_item("op", op)?;
            dict.set_item("attrs", attrs)?;
            dict.set_item("inputs", inputs.iter().map(|v| v.0).collect::<Vec<_>>())?;
            dict.set_item("outputs", outputs.iter().map(|v| v.0).collect::<Vec<_>>())?;
            PyResult::Ok(dict)
        };
        for at in 0..self.graph.len() {
            let attrs = PyDict::new(py);
            let name = match self.graph.source(Value(at)) {
                Source::Input { name, index } => {
                    attrs.set_item("name", name)?;
                    attrs.set_item("index", index)?;
                    "input"
                }
                Source::Read(cell) => {
                    attrs.set_item("cell", cell.id)?;
                    "read"
                }
                Source::Constant(tensor) => {
                    attrs.set_item("value", to_numpy(py, tensor)?)?;
                    "constant"
                }
                Source::Node { .. } => continue,
            };
            let dict = item(name, attrs, &[], &[Value(at)])?;
            dict.set_item("layer", "")?;
            out.append(dict)?;
        }
        for node in &self.graph.nodes {
            let attrs = attributes_of(py, &*node.op)?;
            let dict = item(node.op.name(), attrs, &node.inputs, &node.outputs)?;
            dict.set_item("layer", &*node.layer)?;
            out.append(dict)?;
        }
        Ok(out)
    }

    /// What computes `outputs` from `inputs`, as the attribute of an op that owns a graph.
    fn body<'py>(
        &self,
        py: Python<'py>,
        inputs: Vec<usize>,
        outputs: Vec<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = Body::of(&self.graph, &self.values(&inputs)?, &self.values(&outputs)?)?;
        Ok(pythonize(py, &body)?)
    }

    /// The values before `first` that `outputs` are computed from, beside `inputs` and constants.
    fn read_before(
        &self,
        inputs: Vec<usize>,
        outputs: Vec<usize>,
        first: usize,
    ) -> PyResult<Vec<usize>> {
        let (inputs, outputs) = (self.values(&inputs)?, self.values(&outputs)?);
        let read = read_before(&self.graph, &inputs, &outputs, first);
        Ok(read.into_iter().map(|v| v.0).collect())
    }

    /// How many values there are.
    fn __len__(&self) -> usize {
        self.graph.len()
    }

    /// Pushes the nodes of a body on these inputs; gives its outputs.
    fn push_body(&mut self, body: &Bound<'_, PyDict>, inputs: Vec<usize>) -> PyResult<Vec<usize>> {
        let body: Body = depythonize(body)?;
        let inputs = self.values(&inputs)?;
        if inputs.len() != body.inputs {
            let expected = format!("{} inputs", body.inputs);
            return Err(Error::shape("push_body", expected, inputs.len().to_string()).into());
        }
        let graph = &mut self.graph;
        let outputs = caught("push_body", || body.push(graph, &inputs))?;
        Ok(outputs.into_iter().map(|v| v.0).collect())
    }

    /// A program that computes `outputs` and, unless told not to, performs the assignments.
    #[pyo3(signature = (outputs, assign=true))]
    fn compile(&self, py: Python<'_>, outputs: Vec<usize>, assign: bool) -> PyResult<PyProgram> {
        let outputs = self.values(&outputs)?;
        let compile = || Program::compile(&self.graph, &outputs, assign);
        let program = detached(py, "compile", compile)?;
        Ok(PyProgram { program })
    }
}
