//! `Cell`: a variable's storage.

use super::array::{to_numpy, to_tensor};
use super::callback::expect_outside;
use crate::error::Error;
use crate::graph::Cell;
use crate::kernels::map;
use crate::program::kept::about_to_write;
use crate::tensor::{show, DType, Element, Tensor};
use crate::with_dtype;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;

#[pyclass(name = "Cell", module = "chainrule._core", frozen)]
pub struct PyCell {
    pub cell: Arc<Cell>,
}

#[pymethods]
impl PyCell {
    #[new]
    fn new(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(PyCell {
            cell: Cell::new(to_tensor(array)?),
        })
    }

    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.cell.spec.dims())
    }

    #[getter]
    fn dtype(&self) -> &'static str {
        self.cell.spec.dtype.name()
    }

    /// A number that no other cell has.
    #[getter]
    fn id(&self) -> u64 {
        self.cell.id
    }

    /// A copy of the elements.
    fn read<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        expect_outside("read")?;
        let tensor = py.detach(|| {
            let guard = self.cell.tensor.read().unwrap_or_else(|e| e.into_inner());
            guard.copy()
        });
        let tensor = tensor.map_err(|e| e.of_op("read"))?;
        to_numpy(py, &tensor)
    }

    /// Takes the elements of an array of the same shape, converted to the cell's dtype.
    fn write(&self, py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<()> {
        expect_outside("assign")?;
        let tensor = to_tensor(array)?;
        if tensor.spec().shape != self.cell.spec.shape {
            let (expected, got) = (show(&self.cell.spec.shape), show(&tensor.spec().shape));
            return Err(Error::shape("assign", expected, got).into());
        }
        py.detach(|| {
            let mut guard = self.cell.tensor.write().unwrap_or_else(|e| e.into_inner());
            about_to_write(&self.cell);
            convert(&tensor, &mut guard);
        });
        Ok(())
    }
}

/// Copies the elements, converting the dtype.
fn convert(from: &Tensor, to: &mut Tensor) {
    let dtype = to.spec().dtype;
    let (x, mut out) = (from.data(), to.data_mut());
    with_dtype!(from.spec().dtype, A => {
        let x = A::slice(x);
        match dtype {
            DType::Bool => map::to_bool(x, u8::slice_mut(&mut out)),
            _ => with_dtype!(dtype, B => map::cast::<A, B>(x, B::slice_mut(&mut out))),
        }
    });
}
