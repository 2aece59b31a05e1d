//! Shapes, dtypes, owned tensors and the typed views that ops read and write.
//!
//! Every tensor inside the engine is C-contiguous, so a view is a typed slice and a [`Spec`].
//! Bool tensors are stored as one byte an element, 0 or 1.

use crate::kernels::buffer::{Buffer, Pod};
use std::fmt;

/// Element type of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DType {
    F32,
    F64,
    I32,
    I64,
    U8,
    U32,
    Bool,
}

impl DType {
    pub const ALL: [DType; 7] = [
        DType::F32,
        DType::F64,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U32,
        DType::Bool,
    ];

    /// NumPy's name.
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U8 => "uint8",
            DType::U32 => "uint32",
            DType::Bool => "bool",
        }
    }

    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Bytes an element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 => 8,
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::U8 | DType::Bool => 1,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    pub fn is_int(self) -> bool {
        matches!(self, DType::I32 | DType::I64 | DType::U8 | DType::U32)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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

/// A typed read-only slice of a tensor's elements.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    /// `uint8`, and `bool` as 0 or 1.
    U8(&'a [u8]),
    U32(&'a [u32]),
}

/// A typed mutable slice of a tensor's elements.
#[derive(Debug)]
pub enum DataMut<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
    I32(&'a mut [i32]),
    I64(&'a mut [i64]),
    U8(&'a mut [u8]),
    U32(&'a mut [u32]),
}

impl DataMut<'_> {
    /// The same elements under a shorter borrow.
    pub fn reborrow(&mut self) -> DataMut<'_> {
        match self {
            DataMut::F32(s) => DataMut::F32(s),
            DataMut::F64(s) => DataMut::F64(s),
            DataMut::I32(s) => DataMut::I32(s),
            DataMut::I64(s) => DataMut::I64(s),
            DataMut::U8(s) => DataMut::U8(s),
            DataMut::U32(s) => DataMut::U32(s),
        }
    }
}

/// An element type of the engine; `bool` tensors are read and written as `u8`.
pub trait Element: Pod + PartialOrd + PartialEq + fmt::Debug + Default {
    fn slice<'a>(data: Data<'a>) -> &'a [Self];
    fn slice_mut<'a>(data: &'a mut DataMut<'_>) -> &'a mut [Self];
    /// The slice as the enum's variant.
    fn wrap(data: &[Self]) -> Data<'_>;
    fn wrap_mut(data: &mut [Self]) -> DataMut<'_>;
}

macro_rules! elements {
    ($($t:ty => $variant:ident),*) => {$(
        impl Element for $t {
            fn slice<'a>(data: Data<'a>) -> &'a [Self] {
                match data {
                    Data::$variant(s) => s,
                    other => unreachable!("{} read from {other:?}", stringify!($t)),
                }
            }
            fn slice_mut<'a>(data: &'a mut DataMut<'_>) -> &'a mut [Self] {
                match data {
                    DataMut::$variant(s) => s,
                    other => unreachable!("{} written to {other:?}", stringify!($t)),
                }
            }
            fn wrap(data: &[Self]) -> Data<'_> {
                Data::$variant(data)
            }
            fn wrap_mut(data: &mut [Self]) -> DataMut<'_> {
                DataMut::$variant(data)
            }
        }
    )*};
}
elements!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u8 => U8, u32 => U32);

/// Runs a block with `$t` bound to the element type of a dtype.
#[macro_export]
macro_rules! with_dtype {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::tensor::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::tensor::DType::F64 => {
                type $t = f64;
                $body
            }
            $crate::tensor::DType::I32 => {
                type $t = i32;
                $body
            }
            $crate::tensor::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::tensor::DType::U32 => {
                type $t = u32;
                $body
            }
            $crate::tensor::DType::U8 | $crate::tensor::DType::Bool => {
                type $t = u8;
                $body
            }
        }
    };
}

/// As [`with_dtype`], for ops whose `shape` has let only floats pass.
#[macro_export]
macro_rules! with_float {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::tensor::DType::F64 => {
                type $t = f64;
                $body
            }
            _ => {
                type $t = f32;
                $body
            }
        }
    };
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

    /// A tensor of the given elements; their number must be the shape's.
    pub fn from_slice<T: Element>(shape: &[usize], dtype: DType, data: &[T]) -> Self {
        let mut out = Tensor::zeros(Spec::new(shape, dtype));
        T::slice_mut(&mut out.data_mut()).copy_from_slice(data);
        out
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

    /// The spec and the elements to write.
    pub fn parts_mut(&mut self) -> (&Spec, DataMut<'_>) {
        let data = self.buffer.data_mut(self.spec.dtype, 0, self.spec.len());
        (&self.spec, data)
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
