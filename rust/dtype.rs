//! Element types, and slices of them typed at run time.
//!
//! Bool elements are stored as one byte, 0 or 1.

use serde::Serialize;
use std::fmt;

/// Element type of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum DType {
    F32,
    F64,
    I32,
    I64,
    U8,
    U32,
    U64,
    Bool,
}

impl DType {
    pub const ALL: [DType; 8] = [
        DType::F32,
        DType::F64,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U32,
        DType::U64,
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
            DType::U64 => "uint64",
            DType::Bool => "bool",
        }
    }

    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Bytes an element.
    pub fn size(self) -> usize {
        match self {
            DType::F64 | DType::I64 | DType::U64 => 8,
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::U8 | DType::Bool => 1,
        }
    }

    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    pub fn is_int(self) -> bool {
        !self.is_float() && self != DType::Bool
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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
    U64(&'a [u64]),
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
    U64(&'a mut [u64]),
}

impl<'a> Data<'a> {
    /// `len` elements from `start` on; `None` where there are not as many.
    pub fn part(self, start: usize, len: usize) -> Option<Data<'a>> {
        let range = start..start.checked_add(len)?;
        Some(match self {
            Data::F32(s) => Data::F32(s.get(range)?),
            Data::F64(s) => Data::F64(s.get(range)?),
            Data::I32(s) => Data::I32(s.get(range)?),
            Data::I64(s) => Data::I64(s.get(range)?),
            Data::U8(s) => Data::U8(s.get(range)?),
            Data::U32(s) => Data::U32(s.get(range)?),
            Data::U64(s) => Data::U64(s.get(range)?),
        })
    }

    /// The elements' dtype, `uint8` where they may be bool.
    pub fn dtype(&self) -> DType {
        match self {
            Data::F32(_) => DType::F32,
            Data::F64(_) => DType::F64,
            Data::I32(_) => DType::I32,
            Data::I64(_) => DType::I64,
            Data::U8(_) => DType::U8,
            Data::U32(_) => DType::U32,
            Data::U64(_) => DType::U64,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(s) => s.len(),
            Data::F64(s) => s.len(),
            Data::I32(s) => s.len(),
            Data::I64(s) => s.len(),
            Data::U8(s) => s.len(),
            Data::U32(s) => s.len(),
            Data::U64(s) => s.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `i` of an integer dtype; what is beyond `i64` as its largest.
    pub fn integer(self, i: usize) -> i64 {
        match self {
            Data::I32(s) => s[i] as i64,
            Data::I64(s) => s[i],
            Data::U8(s) => s[i] as i64,
            Data::U32(s) => s[i] as i64,
            Data::U64(s) => s[i].try_into().unwrap_or(i64::MAX),
            Data::F32(_) | Data::F64(_) => unreachable!("integers of a float dtype"),
        }
    }
}

impl DataMut<'_> {
    /// `len` elements from `start` on.
    pub fn part(&mut self, start: usize, len: usize) -> DataMut<'_> {
        let range = start..start + len;
        match self {
            DataMut::F32(s) => DataMut::F32(&mut s[range]),
            DataMut::F64(s) => DataMut::F64(&mut s[range]),
            DataMut::I32(s) => DataMut::I32(&mut s[range]),
            DataMut::I64(s) => DataMut::I64(&mut s[range]),
            DataMut::U8(s) => DataMut::U8(&mut s[range]),
            DataMut::U32(s) => DataMut::U32(&mut s[range]),
            DataMut::U64(s) => DataMut::U64(&mut s[range]),
        }
    }

    /// The elements, to read.
    pub fn view(&self) -> Data<'_> {
        match self {
            DataMut::F32(s) => Data::F32(s),
            DataMut::F64(s) => Data::F64(s),
            DataMut::I32(s) => Data::I32(s),
            DataMut::I64(s) => Data::I64(s),
            DataMut::U8(s) => Data::U8(s),
            DataMut::U32(s) => Data::U32(s),
            DataMut::U64(s) => Data::U64(s),
        }
    }

    /// The same elements under a shorter borrow.
    pub fn reborrow(&mut self) -> DataMut<'_> {
        match self {
            DataMut::F32(s) => DataMut::F32(s),
            DataMut::F64(s) => DataMut::F64(s),
            DataMut::I32(s) => DataMut::I32(s),
            DataMut::I64(s) => DataMut::I64(s),
            DataMut::U8(s) => DataMut::U8(s),
            DataMut::U32(s) => DataMut::U32(s),
            DataMut::U64(s) => DataMut::U64(s),
        }
    }
}

/// A plain number.
pub trait Scalar: Copy + Default + Send + Sync + 'static {}

impl<T: Copy + Default + Send + Sync + 'static> Scalar for T {}

/// An element type of the engine; `bool` tensors are read and written as `u8`.
pub trait Element: Scalar + PartialOrd + PartialEq + fmt::Debug {
    fn slice<'a>(data: Data<'a>) -> &'a [Self];
    fn slice_mut<'a>(data: &'a mut DataMut<'_>) -> &'a mut [Self];
    /// The slice as the enum's variant.
    fn wrap(data: &[Self]) -> Data<'_>;
    fn wrap_mut(data: &mut [Self]) -> DataMut<'_>;
    /// Its bytes, the lowest first.
    fn write_bytes(self, to: &mut [u8]);
    /// The element of as many bytes as it has.
    fn of_bytes(bytes: &[u8]) -> Self;
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
            fn write_bytes(self, to: &mut [u8]) {
                to.copy_from_slice(&self.to_le_bytes());
            }
            fn of_bytes(bytes: &[u8]) -> Self {
                let mut own = [0; size_of::<$t>()];
                own.copy_from_slice(bytes);
                <$t>::from_le_bytes(own)
            }
        }
    )*};
}
elements!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u8 => U8, u32 => U32, u64 => U64);

/// Runs a block with `$t` bound to the element type of a dtype.
#[macro_export]
macro_rules! with_dtype {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::dtype::DType::F64 => {
                type $t = f64;
                $body
            }
            $crate::dtype::DType::I32 => {
                type $t = i32;
                $body
            }
            $crate::dtype::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::dtype::DType::U32 => {
                type $t = u32;
                $body
            }
            $crate::dtype::DType::U64 => {
                type $t = u64;
                $body
            }
            $crate::dtype::DType::U8 | $crate::dtype::DType::Bool => {
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
            $crate::dtype::DType::F64 => {
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
