//! `Callback`: code of the user's own, which graphs call back.

use super::array::{Array, Fed};
use super::results::filled_here;
use crate::error::{Error, Result};
use crate::ops::numpy_function::{register, Callback};
use crate::run::{Input, Output};
use crate::with_dtype;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Exceptions that wait for the border, at most so many.
const KEPT: usize = 64;

/// Exceptions of callbacks by number, and the next number.
type Raised = (BTreeMap<u64, PyErr>, u64);

static RAISED: Mutex<Raised> = Mutex::new((BTreeMap::new(), 0));

thread_local! {
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// A Python function of a list of arrays that gives a sequence of arrays, as many as there are outputs, of
/// their shapes and dtypes.
#[pyclass(name = "Callback", module = "chainrule._core", frozen)]
pub struct PyCallback {
    /// What attributes of `numpy_function` name it by.
    #[pyo3(get)]
    number: u64,
    _callback: Arc<dyn Callback>,
}

#[pymethods]
impl PyCallback {
    #[new]
    fn new(function: Py<PyAny>) -> Self {
        let callback: Arc<dyn Callback> = Arc::new(Function(function));
        PyCallback {
            number: register(&callback),
            _callback: callback,
        }
    }
}

struct Function(Py<PyAny>);

impl Callback for Function {
    fn call(&self, inputs: &[Input], outputs: &mut [Output]) -> Result<()> {
        let outside = IS_RUNNING.replace(true);
        let done = Python::attach(|py| self.fill(py, inputs, outputs).map_err(|e| keep(py, e)));
        IS_RUNNING.set(outside);
        done
    }
}

impl Function {
    fn fill(&self, py: Python<'_>, inputs: &[Input], outputs: &mut [Output]) -> PyResult<()> {
        let specs = inputs.iter().map(|x| x.spec);
        let arrays = filled_here(py, "numpy_function", specs, |targets| {
            for (x, target) in inputs.iter().zip(targets) {
                with_dtype!(x.spec.dtype, T => {
                    <T as crate::tensor::Element>::slice_mut(target).copy_from_slice(x.slice());
                });
            }
            Ok(())
        })?;
        let results = self.0.bind(py).call1((PyList::new(py, arrays)?,))?;
        let results = results.try_iter()?.collect::<PyResult<Vec<_>>>()?;
        if results.len() != outputs.len() {
            let expected = format!("{} results", outputs.len());
            let got = results.len().to_string();
            return Err(Error::shape("numpy_function", expected, got).into());
        }
        for (result, output) in results.iter().zip(outputs) {
            let spec = Array::new(result)?.spec();
            if spec != *output.spec {
                let expected = format!("a result of {}", output.spec);
                return Err(Error::shape("numpy_function", expected, spec.to_string()).into());
            }
            let fed = Fed::new(result)?;
            let rows = fed.rows()?;
            with_dtype!(output.spec.dtype, T => {
                let elements = <T as crate::tensor::Element>::slice(rows.data);
                output.slice::<T>().copy_from_slice(elements);
            });
        }
        Ok(())
    }
}

/// Refuses what would wait for a variable that the run around a callback has locked.
pub fn expect_outside(what: &str) -> PyResult<()> {
    match IS_RUNNING.get() {
        false => Ok(()),
        true => Err(PyRuntimeError::new_err(format!(
            "{what}: a function given to `numpy_function` cannot read or assign variables, which the \
             running step holds: give it their values as inputs"
        ))),
    }
}

/// Keeps an exception until the error that stands for it comes to the border.
fn keep(py: Python<'_>, error: PyErr) -> Error {
    let text = format!("{}: {}", error.get_type(py), error.value(py));
    let mut raised = RAISED.lock().unwrap_or_else(PoisonError::into_inner);
    let (errors, next) = &mut *raised;
    *next += 1;
    errors.insert(*next, error);
    if errors.len() > KEPT {
        errors.pop_first();
    }
    Error::raised("numpy_function", text, *next)
}

/// The exception that a callback has raised, its message after the place; none where it is kept no more.
pub fn raised(number: u64, place: &str) -> Option<PyErr> {
    let mut raised = RAISED.lock().unwrap_or_else(PoisonError::into_inner);
    let error = raised.0.remove(&number)?;
    drop(raised);
    Python::attach(|py| {
        // An exception of a class that takes no message stays as it is.
        let _ = name_place(error.value(py), place);
    });
    Some(error)
}

fn name_place(error: &Bound<'_, PyAny>, place: &str) -> PyResult<()> {
    let args = error.getattr("args")?.cast_into::<PyTuple>()?;
    let mut all: Vec<Bound<'_, PyAny>> = args.iter().collect();
    match all.first().and_then(|first| first.cast::<PyString>().ok()) {
        Some(text) => {
            let text = text.to_string();
            let text = text.strip_prefix("numpy_function: ").unwrap_or(&text);
            all[0] = PyString::new(error.py(), &format!("{place}: {text}")).into_any();
            error.setattr("args", PyTuple::new(error.py(), all)?)
        }
        None => error.call_method1("add_note", (place,)).map(drop),
    }
}
