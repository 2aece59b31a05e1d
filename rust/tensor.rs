//! Shapes and owned tensors.
//!
//! Every tensor inside the engine is C-contiguous, so a view is a typed slice and a [`Spec`].

use crate::error::{Error, OutOfMemory, Result};
use crate::memory::Buffer;
use serde::Serialize;
use std::fmt;

pub use crate::dtype::{DType, Data, DataMut, Element};

/// Most axes that a tensor may have.
pub const MAX_RANK: usize = 16;

/// Shape and dtype of a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
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

    /// Refuses more than [`MAX_RANK`] axes and more than `isize::MAX` bytes, counted over the sizes
    /// that are not zero: no number of elements, stride or offset of a spec that has passed
    /// overflows. Called where specs enter a graph or an eager op ([`crate::graph::infer`]).
    pub fn check(&self, op: &str) -> Result<()> {
        if self.rank() > MAX_RANK {
            let expected = format!("at most {MAX_RANK} axes");
            return Err(Error::shape(op, expected, show(&self.shape)));
        }
        let sizes = self.shape.iter().filter(|n| **n != 0);
        let bytes = sizes
            .copied()
            .try_fold(self.dtype.size(), usize::checked_mul);
        match bytes.is_some_and(|bytes| bytes <= isize::MAX as usize) {
            true => Ok(()),
            false => Err(Error::shape(
                op,
                format!("a shape of at most {} bytes", isize::MAX),
                self.to_string(),
            )),
        }
    }

    /// Number of elements; of a spec that is not checked yet, at most `usize::MAX`.
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |n, size| n.saturating_mul(*size))
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    pub fn bytes(&self) -> usize {
        self.len().saturating_mul(self.dtype.size())
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
#[derive(Debug)]
pub struct Tensor {
    spec: Spec,
    buffer: Buffer,
}

impl Tensor {
    pub fn zeros(spec: Spec) -> std::result::Result<Self, OutOfMemory> {
        let buffer = Buffer::zeroed(spec.bytes())?;
        Ok(Tensor { spec, buffer })
    }

    /// A copy.
    pub fn copy(&self) -> std::result::Result<Self, OutOfMemory> {
        let mut out = Tensor::zeros(self.spec.clone())?;
        out.bytes_mut().copy_from_slice(self.bytes());
        Ok(out)
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
