//! Arrays for results.

use super::array::ArrayMut;
use crate::error::Error;
use crate::tensor::{DType, DataMut, Spec};
use crate::with_dtype;
use numpy::PyArrayDyn;
use pyo3::prelude::*;

/// New arrays of these specs, filled by `fill` with the GIL released.
pub fn filled<'py>(
    py: Python<'py>,
    specs: &[Spec],
    fill: impl FnOnce(&mut [DataMut]) -> Result<(), Error> + Send,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let arrays = specs
        .iter()
        .map(|spec| to_fill(py, spec))
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
        py.detach(|| fill(&mut targets))?;
    }
    specs
        .iter()
        .zip(arrays)
        .map(|(spec, array)| match spec.dtype {
            DType::Bool => array.call_method1("view", ("bool",)),
            _ => Ok(array),
        })
        .collect()
}

/// An array to be filled, of uint8 where the spec says bool.
fn to_fill<'py>(py: Python<'py>, spec: &Spec) -> PyResult<Bound<'py, PyAny>> {
    with_dtype!(spec.dtype, T => {
        Ok(PyArrayDyn::<T>::zeros(py, &spec.shape[..], false).into_any())
    })
}
