//! Arrays for results. Large ones lie in memory that is kept when they are gone, for the next.

use super::array::ArrayMut;
use super::calls::detached;
use crate::error::Error;
use crate::memory::{keep, kept, Buffer, LARGE};
use crate::tensor::{DType, DataMut, Spec};
use crate::with_dtype;
use numpy::ndarray::{ArrayViewD, IxDyn};
use numpy::PyArrayDyn;
use pyo3::prelude::*;

/// The memory of a large array: its `base` in Python.
#[pyclass(name = "Memory", module = "chainrule._core", frozen)]
struct Memory {
    buffer: Option<Buffer>,
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            keep(buffer);
        }
    }
}

/// New arrays of these specs, which are checked, filled by `fill` with the GIL released. Errors name
/// `place`.
pub fn filled<'py>(
    py: Python<'py>,
    place: &str,
    specs: &[Spec],
    mut fill: impl FnMut(&mut [DataMut]) -> Result<(), Error> + Send,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    filled_here(py, place, specs.iter(), |targets| {
        detached(py, place, || fill(targets))
    })
}

/// As [`filled`], by a `fill` that releases the GIL itself where it takes time.
pub fn filled_here<'py, 's>(
    py: Python<'py>,
    place: &str,
    specs: impl Iterator<Item = &'s Spec> + Clone,
    fill: impl FnOnce(&mut [DataMut]) -> PyResult<()>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let arrays = specs
        .clone()
        .map(|spec| to_fill(py, place, spec))
        .collect::<PyResult<Vec<_>>>()?;
    {
        let mut targets = arrays
            .iter()
            .map(ArrayMut::new)
            .collect::<PyResult<Vec<_>>>()?;
        let mut targets = targets
            .iter_mut()
            .map(ArrayMut::data_mut)
            .collect::<PyResult<Vec<DataMut>>>()?;
        fill(&mut targets)?;
    }
    specs
        .zip(arrays)
        .map(|(spec, array)| match spec.dtype {
            DType::Bool => array.call_method1("view", ("bool",)),
            _ => Ok(array),
        })
        .collect()
}

/// An array to be filled, of uint8 where the spec says bool: a large one holds anything.
fn to_fill<'py>(py: Python<'py>, place: &str, spec: &Spec) -> PyResult<Bound<'py, PyAny>> {
    spec.expect_known(place)?;
    let (shape, bytes) = (spec.dims(), spec.bytes());
    with_dtype!(spec.dtype, T => {
        if bytes < LARGE {
            return Ok(PyArrayDyn::<T>::zeros(py, shape, false).into_any());
        }
        let buffer = kept(bytes).map_err(|e| e.of_op(place))?;
        let start = buffer.as_ptr().cast::<T>();
        let memory = Bound::new(py, Memory { buffer: Some(buffer) })?.into_any();
        // SAFETY: the buffer holds the shape's elements, initialised and aligned; it lives as long as
        // the array's base, and only the array reads and writes it.
        let array = unsafe {
            let view = ArrayViewD::<T>::from_shape_ptr(IxDyn(shape), start);
            PyArrayDyn::borrow_from_array(&view, memory)
        };
        Ok(array.into_any())
    })
}
