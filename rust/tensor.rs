//! Shapes and owned tensors.
//!
//! Every tensor inside the engine is C-contiguous, so a view is a typed slice and a [`Spec`].

use crate::memory::Buffer;
use std::fmt;

pub use crate::dtype::{DType, Data, DataMut, Element};

/// Shape and dtype of a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Spec {
    pub shape: Vec<usize>,
    pub dtype: DType,
}

impl Spec {
    pub fn new(shape: impl Into<Vec<usize>>, dtype: DType) -> Self {
        Spec {
            shape: shape.into(),
            dtype,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    pub fn bytes(&self) -> usize {
        self.len() * self.dtype.size()
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.dtype, show(&self.shape))
    }
}

/// A shape as Python prints it: `(2, 3)`, `(4,)`, `()`.
pub fn show(shape: &[usize]) -> String {
    let inner: Vec<String> = shape.iter().map(usize::to_string).collect();
    match inner.len() {
        1 => format!("({},)", inner[0]),
        _ => format!("({})", inner.join(", ")),
    }
}

/// Elements of each axis step for a C-contiguous array of this shape.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        out[axis] = out[axis + 1] * shape[axis + 1];
    }
    out
}

/// An owned tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    spec: Spec,
    buffer: Buffer,
}

impl Tensor {
    pub fn zeros(spec: Spec) -> Self {
        let buffer = Buffer::zeroed(spec.bytes());
        Tensor { spec, buffer }
    }

    /// A copy of a view.
    pub fn copy_of(spec: &Spec, data: Data) -> Self {
        let mut out = Tensor::zeros(spec.clone());
        crate::with_dtype!(spec.dtype, T => {
            T::slice_mut(&mut out.data_mut()).copy_from_slice(T::slice(data));
        });
        out
    }

    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    pub fn data(&self) -> Data<'_> {
        self.buffer.data(self.spec.dtype, 0, self.spec.len())
    }

    pub fn data_mut(&mut self) -> DataMut<'_> {
        self.buffer.data_mut(self.spec.dtype, 0, self.spec.len())
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.buffer.as_ptr()
    }

    /// The elements as bytes, in the machine's order.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes(self.spec.bytes())
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let n = self.spec.bytes();
        self.buffer.bytes_mut(n)
    }
}
