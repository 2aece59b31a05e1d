//! NumPy arrays to the engine's tensors and back.

use super::results::filled;
use crate::error::{caught, Error};
use crate::kernels::strided::{array_mut, copy};
use crate::memory::room;
use crate::program::step::Rows;
use crate::tensor::{DType, Data, DataMut, Element, Spec, Tensor};
use crate::with_dtype;
use numpy::{
    PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArrayDyn, PyUntypedArray,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

pub fn dtype_from(name: &str) -> PyResult<DType> {
    DType::from_name(name).ok_or_else(|| {
        let known: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
        Error::dtype("dtype", known.join(", "), name).into()
    })
}

fn check_aligned(address: usize, align: usize) -> PyResult<()> {
    match address % align {
        0 => Ok(()),
        _ => Err(Error::data("array", "elements at aligned addresses", "unaligned ones").into()),
    }
}

/// An array of one of the engine's dtypes, borrowed for reading.
pub enum Array<'py> {
    F32(PyReadonlyArrayDyn<'py, f32>),
    F64(PyReadonlyArrayDyn<'py, f64>),
    I32(PyReadonlyArrayDyn<'py, i32>),
    I64(PyReadonlyArrayDyn<'py, i64>),
    U8(PyReadonlyArrayDyn<'py, u8>),
    U32(PyReadonlyArrayDyn<'py, u32>),
    U64(PyReadonlyArrayDyn<'py, u64>),
    Bool(Vec<usize>, Vec<u8>),
}

impl<'py> Array<'py> {
    pub fn new(any: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = Self::any_rank(any)?;
        array.spec().check("array")?;
        Ok(array)
    }

    fn any_rank(any: &Bound<'py, PyAny>) -> PyResult<Self> {
        let wrong = || {
            let got = match any.cast::<PyUntypedArray>() {
                Ok(array) => format!("an array of {}", array.dtype()),
                Err(_) => any.get_type().to_string(),
            };
            let known: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
            PyErr::from(Error::dtype(
                "array",
                format!("a NumPy array of {}", known.join(", ")),
                got,
            ))
        };
        macro_rules! try_as {
            ($($t:ty => $variant:ident),*) => {
                $(if let Ok(a) = any.cast::<PyArrayDyn<$t>>() {
                    check_aligned(a.data() as usize, std::mem::align_of::<$t>())?;
                    return Ok(Array::$variant(a.try_readonly().map_err(|e| {
                        PyTypeError::new_err(format!("array: expected one that nobody writes, got {e}"))
                    })?));
                })*
            };
        }
        try_as!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u8 => U8, u32 => U32, u64 => U64);
        let bools = any.cast::<PyArrayDyn<bool>>().map_err(|_| wrong())?;
        let view = bools.try_readonly().map_err(|_| wrong())?;
        let mut bytes = caught("array", || Ok(room(0, bools.len())))?;
        let elements = bytes.iter_mut().zip(view.as_array());
        elements.for_each(|(byte, b)| *byte = u8::from(*b));
        Ok(Array::Bool(bools.shape().to_vec(), bytes))
    }

    pub fn spec(&self) -> Spec {
        match self {
            Array::F32(a) => Spec::new(a.shape(), DType::F32),
            Array::F64(a) => Spec::new(a.shape(), DType::F64),
            Array::I32(a) => Spec::new(a.shape(), DType::I32),
            Array::I64(a) => Spec::new(a.shape(), DType::I64),
            Array::U8(a) => Spec::new(a.shape(), DType::U8),
            Array::U32(a) => Spec::new(a.shape(), DType::U32),
            Array::U64(a) => Spec::new(a.shape(), DType::U64),
            Array::Bool(shape, _) => Spec::new(shape.clone(), DType::Bool),
        }
    }

    /// The elements, if they lie in C order.
    pub fn data(&self) -> Option<Data<'_>> {
        Some(match self {
            Array::F32(a) => Data::F32(a.as_array().to_slice()?),
            Array::F64(a) => Data::F64(a.as_array().to_slice()?),
            Array::I32(a) => Data::I32(a.as_array().to_slice()?),
            Array::I64(a) => Data::I64(a.as_array().to_slice()?),
            Array::U8(a) => Data::U8(a.as_array().to_slice()?),
            Array::U32(a) => Data::U32(a.as_array().to_slice()?),
            Array::U64(a) => Data::U64(a.as_array().to_slice()?),
            Array::Bool(_, bytes) => Data::U8(bytes),
        })
    }

    /// A copy, in C order.
    pub fn to_tensor(&self) -> Result<Tensor, Error> {
        let mut out = Tensor::zeros(self.spec()).map_err(|e| e.of_op("array"))?;
        macro_rules! fill {
            ($a:expr, $t:ty) => {{
                let mut data = out.data_mut();
                let to = <$t as Element>::slice_mut(&mut data);
                copy($a.as_array(), array_mut(to, $a.shape()));
            }};
        }
        match self {
            Array::F32(a) => fill!(a, f32),
            Array::F64(a) => fill!(a, f64),
            Array::I32(a) => fill!(a, i32),
            Array::I64(a) => fill!(a, i64),
            Array::U8(a) => fill!(a, u8),
            Array::U32(a) => fill!(a, u32),
            Array::U64(a) => fill!(a, u64),
            Array::Bool(_, bytes) => out.bytes_mut().copy_from_slice(bytes),
        }
        Ok(out)
    }

    /// The array as rows along its first axis; it must lie in C order.
    pub fn rows(&self, name: &str) -> PyResult<Rows<'_>> {
        let spec = self.spec();
        let data = self.data().ok_or_else(|| {
            PyErr::from(Error::data(name, "a C-contiguous array", "a strided one"))
        })?;
        Ok(Rows {
            data,
            width: spec.dims().iter().skip(1).product(),
        })
    }
}

/// An array to be read in C order: as it lies, or a copy of one that lies otherwise.
pub struct Fed<'py> {
    array: Array<'py>,
    copy: Option<Tensor>,
}

impl<'py> Fed<'py> {
    pub fn new(any: &Bound<'py, PyAny>) -> PyResult<Self> {
        let aligned = match any.cast::<PyUntypedArray>() {
            Ok(given) if !given.is_aligned() => Some(any.call_method1("copy", ("C",))?),
            _ => None,
        };
        let array = Array::new(aligned.as_ref().unwrap_or(any))?;
        let copy = match array.data() {
            Some(_) => None,
            None => Some(array.to_tensor()?),
        };
        Ok(Fed { array, copy })
    }

    pub fn spec(&self) -> Spec {
        self.array.spec()
    }

    pub fn rows(&self) -> PyResult<Rows<'_>> {
        match &self.copy {
            Some(tensor) => Ok(Rows::of(tensor)),
            None => self.array.rows("array"),
        }
    }
}

/// Copies an array, of any strides, into a tensor.
pub fn to_tensor(any: &Bound<'_, PyAny>) -> PyResult<Tensor> {
    Ok(Array::new(any)?.to_tensor()?)
}

/// A new array of the tensor's elements.
pub fn to_numpy<'py>(py: Python<'py>, tensor: &Tensor) -> PyResult<Bound<'py, PyAny>> {
    let spec = tensor.spec().clone();
    let mut arrays = filled(py, "array", std::slice::from_ref(&spec), |targets| {
        with_dtype!(spec.dtype, T => {
            T::slice_mut(&mut targets[0]).copy_from_slice(T::slice(tensor.data()));
        });
        Ok(())
    })?;
    Ok(arrays.remove(0))
}

/// An array to write results into; bool results go to uint8 arrays of 0 and 1.
pub enum ArrayMut<'py> {
    F32(PyReadwriteArrayDyn<'py, f32>),
    F64(PyReadwriteArrayDyn<'py, f64>),
    I32(PyReadwriteArrayDyn<'py, i32>),
    I64(PyReadwriteArrayDyn<'py, i64>),
    U8(PyReadwriteArrayDyn<'py, u8>),
    U32(PyReadwriteArrayDyn<'py, u32>),
    U64(PyReadwriteArrayDyn<'py, u64>),
}

impl<'py> ArrayMut<'py> {
    pub fn new(any: &Bound<'py, PyAny>) -> PyResult<Self> {
        macro_rules! try_as {
            ($($t:ty => $variant:ident),*) => {
                $(if let Ok(a) = any.cast::<PyArrayDyn<$t>>() {
                    return Ok(ArrayMut::$variant(a.try_readwrite().map_err(|e| {
                        PyTypeError::new_err(format!("result: expected a writable array, got {e}"))
                    })?));
                })*
            };
        }
        try_as!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u8 => U8, u32 => U32, u64 => U64);
        Err(Error::dtype("result", "a numeric array", any.get_type().to_string()).into())
    }

    pub fn data_mut(&mut self) -> PyResult<DataMut<'_>> {
        let strided = |_| {
            PyErr::from(Error::data(
                "result",
                "a C-contiguous array",
                "a strided one",
            ))
        };
        Ok(match self {
            ArrayMut::F32(a) => DataMut::F32(a.as_slice_mut().map_err(strided)?),
            ArrayMut::F64(a) => DataMut::F64(a.as_slice_mut().map_err(strided)?),
            ArrayMut::I32(a) => DataMut::I32(a.as_slice_mut().map_err(strided)?),
            ArrayMut::I64(a) => DataMut::I64(a.as_slice_mut().map_err(strided)?),
            ArrayMut::U8(a) => DataMut::U8(a.as_slice_mut().map_err(strided)?),
            ArrayMut::U32(a) => DataMut::U32(a.as_slice_mut().map_err(strided)?),
            ArrayMut::U64(a) => DataMut::U64(a.as_slice_mut().map_err(strided)?),
        })
    }
}
