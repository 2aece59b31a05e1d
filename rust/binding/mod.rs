//! The border to Python: `chainrule._core`. The only module that knows PyO3.

mod array;
mod callback;
mod calls;
mod cell;
mod files;
mod graph;
mod op;
mod program;
mod results;
mod size;

use crate::error::Error;
use crate::fusions::FUSIONS;
use crate::graph::infer;
use crate::kernels::finite::all_finite_data;
use crate::kernels::{isa, threads};
use crate::program::owned_kernel;
use crate::tensor::{Data, Spec};
use crate::{memory, ops};
use array::{Array, Fed};
use op::op_from;
use pyo3::create_exception;
use pyo3::exceptions::{
    PyKeyboardInterrupt, PyMemoryError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use results::filled;

create_exception!(
    chainrule.errors,
    ShapeError,
    PyValueError,
    "Shapes that do not fit."
);
create_exception!(
    chainrule.errors,
    DTypeError,
    PyTypeError,
    "A dtype that is not taken."
);
create_exception!(
    chainrule.errors,
    DataError,
    PyValueError,
    "A value that cannot be used."
);
create_exception!(
    chainrule.errors,
    FileFormatError,
    PyValueError,
    "A file that is not what it should be."
);
create_exception!(
    chainrule.errors,
    GradientError,
    PyTypeError,
    "A derivative that does not exist."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> PyErr {
        let text = error.to_string();
        let place = error.place();
        match error {
            Error::Raised(_, number) => {
                let kept = callback::raised(number, &place);
                kept.unwrap_or_else(|| PyRuntimeError::new_err(text))
            }
            Error::Shape(_) => ShapeError::new_err(text),
            Error::DType(_) => DTypeError::new_err(text),
            Error::Data(_) => DataError::new_err(text),
            Error::Attribute(_) => PyValueError::new_err(text),
            Error::Gradient(_) => GradientError::new_err(text),
            Error::Memory(_) => PyMemoryError::new_err(text),
            Error::Internal(_) => PyRuntimeError::new_err(text),
            Error::Interrupted => PyKeyboardInterrupt::new_err(text),
        }
    }
}

/// Applies one op to arrays.
#[pyfunction]
fn eager<'py>(
    py: Python<'py>,
    op: &str,
    attrs: &Bound<'py, PyDict>,
    inputs: Vec<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let op = op_from(op, attrs)?;
    let fed = inputs.iter().map(Fed::new).collect::<PyResult<Vec<_>>>()?;
    let specs: Vec<Spec> = fed.iter().map(Fed::spec).collect();
    let rows = fed.iter().map(Fed::rows).collect::<PyResult<Vec<_>>>()?;
    let made = infer(&*op, &specs.iter().collect::<Vec<_>>())?;
    filled(py, op.name(), &made, |targets| {
        let inputs: Vec<(&Spec, Data)> = specs.iter().zip(rows.iter().map(|r| r.data)).collect();
        ops::apply(&*op, &inputs, made.iter().zip(targets), &owned_kernel)
    })
}

/// Every op's name with the names of its table of functions.
#[pyfunction(name = "ops")]
fn op_names(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let out = PyDict::new(py);
    for entry in ops::REGISTRY {
        out.set_item(entry.name, PyList::new(py, (entry.functions)())?)?;
    }
    Ok(out)
}

/// The names of the fusions, in the order in which they are tried.
#[pyfunction]
fn fusions() -> Vec<&'static str> {
    FUSIONS.iter().map(|fusion| fusion.name).collect()
}

/// Whether an array of floats holds neither NaN nor infinity.
#[pyfunction]
fn all_finite(py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let array = Array::new(array)?;
    let rows = array.rows("all_finite")?;
    Ok(py.detach(|| all_finite_data(rows.data)))
}

#[pyfunction]
fn num_threads() -> usize {
    threads::num_threads()
}

#[pyfunction]
fn set_num_threads(n: usize) -> PyResult<()> {
    if n == 0 || n > threads::MAX_THREADS {
        return Err(PyValueError::new_err(format!(
            "set_num_threads: expected 1 to {} threads, got {n}",
            threads::MAX_THREADS
        )));
    }
    threads::set_num_threads(n);
    Ok(())
}

/// Frees the memory that is kept for results.
#[pyfunction]
fn free_memory() {
    memory::free_kept();
}

/// The instruction set in use: scalar, avx2, avx512 or neon.
#[pyfunction(name = "isa")]
fn isa_name() -> &'static str {
    isa::isa().name()
}

/// Runs without the GIL: a thread waits for locks of variables only while it is detached, so
/// that one that holds them can call Python, and classes whose methods change them are borrowed by one
/// thread at a time.
#[pymodule(gil_used = false)]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    isa::selected().map_err(PyValueError::new_err)?;
    threads::selected().map_err(PyValueError::new_err)?;
    let py = m.py();
    m.add("ShapeError", py.get_type::<ShapeError>())?;
    m.add("DTypeError", py.get_type::<DTypeError>())?;
    m.add("DataError", py.get_type::<DataError>())?;
    m.add("FileFormatError", py.get_type::<FileFormatError>())?;
    m.add("GradientError", py.get_type::<GradientError>())?;
    m.add_class::<callback::PyCallback>()?;
    m.add_class::<cell::PyCell>()?;
    m.add_class::<graph::PyGraph>()?;
    m.add_class::<program::PyProgram>()?;
    m.add_class::<size::PySize>()?;
    m.add_function(wrap_pyfunction!(eager, m)?)?;
    m.add_function(wrap_pyfunction!(op_names, m)?)?;
    m.add_function(wrap_pyfunction!(fusions, m)?)?;
    m.add_function(wrap_pyfunction!(all_finite, m)?)?;
    m.add_function(wrap_pyfunction!(files::load_safetensors, m)?)?;
    m.add_function(wrap_pyfunction!(files::save_safetensors, m)?)?;
    m.add_function(wrap_pyfunction!(num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(set_num_threads, m)?)?;
    m.add_function(wrap_pyfunction!(free_memory, m)?)?;
    m.add_function(wrap_pyfunction!(isa_name, m)?)?;
    Ok(())
}
