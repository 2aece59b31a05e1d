//! Shapes and owned tensors.
//!
//! A spec may hold sizes that are not known; one that has a tensor never does.
//! Every tensor inside the engine is C-contiguous, so a view is a typed slice and a [`Spec`].

use crate::error::{Error, OutOfMemory, Result};
use crate::memory::Buffer;
use crate::size::{self, Size};
use serde::Serialize;
use std::fmt;

pub use crate::dtype::{DType, Data, DataMut, Element};

/// Most axes that a tensor may have.
pub const MAX_RANK: usize = 16;

/// Shape and dtype of a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Spec {
    pub shape: Vec<Size>,
    pub dtype: DType,
}

impl Spec {
    /// Of sizes, or of numbers.
    pub fn new<S: Into<Size> + Copy>(shape: impl AsRef<[S]>, dtype: DType) -> Self {
        Spec {
            shape: shape.as_ref().iter().map(|size| (*size).into()).collect(),
            dtype,
        }
    }

    /// Of no axes.
    pub fn scalar(dtype: DType) -> Self {
        Spec {
            shape: Vec::new(),
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
        // Of what is not known yet, what is known.
        let sizes = self.shape.iter().filter_map(|n| n.number());
        let bytes = sizes
            .filter(|n| *n != 0)
            .try_fold(self.dtype.size(), |bytes, n| {
                bytes.checked_mul(n.try_into().ok()?)
            });
        match bytes.is_some_and(|bytes| bytes <= isize::MAX as usize) {
            true => Ok(()),
            false => Err(Error::shape(
                op,
                format!("a shape of at most {} bytes", isize::MAX),
                self.to_string(),
            )),
        }
    }

    /// The sizes of a spec of which all are known.
    ///
    /// # Panics
    /// One is not.
    pub fn dims(&self) -> &[usize] {
        size::dims(&self.shape)
    }

    /// Refuses sizes that are not known, where something is to be computed.
    pub fn expect_known(&self, place: &str) -> Result<()> {
        match self.shape.iter().all(|size| size.is_known()) {
            true => Ok(()),
            false => Err(Error::shape(place, "known sizes", self.to_string())),
        }
    }

    /// Whether it is not surely another one.
    pub fn may_be(&self, other: &Spec) -> bool {
        let mut sizes = self.shape.iter().zip(&other.shape);
        self.dtype == other.dtype && self.rank() == other.rank() && sizes.all(|(a, b)| a.may_be(*b))
    }

    /// Number of elements, known or not.
    pub fn size(&self) -> Size {
        self.shape.iter().product()
    }

    /// Number of elements; of a spec that is not checked yet, at most `usize::MAX`.
    ///
    /// # Panics
    /// A size is not known.
    pub fn len(&self) -> usize {
        self.dims()
            .iter()
            .fold(1, |n, size| n.saturating_mul(*size))
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
pub fn show(shape: &[impl ToString]) -> String {
    let inner: Vec<String> = shape.iter().map(ToString::to_string).collect();
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
