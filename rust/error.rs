//! One error enum. Every message names the op, the layer where one is known, what was expected and
//! what came.

use std::any::Any;
use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};

/// The place of an error and the two sides of the disagreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// The op, or the function of the border, that refuses.
    pub op: String,
    /// Path of the layer that was being traced or run; empty where there is none.
    pub layer: String,
    pub expected: String,
    pub got: String,
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.layer.is_empty() {
            write!(f, "layer '{}': ", self.layer)?;
        }
        write!(
            f,
            "{}: expected {}, got {}",
            self.op, self.expected, self.got
        )
    }
}

/// What can go wrong, by the Python exception that it becomes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Shapes that do not fit: `ShapeError`, a `ValueError`.
    #[error("{0}")]
    Shape(Detail),
    /// A dtype that the op does not take: `DTypeError`, a `TypeError`.
    #[error("{0}")]
    DType(Detail),
    /// A value that the op cannot use, a label outside the classes: `DataError`, a `ValueError`.
    #[error("{0}")]
    Data(Detail),
    /// An attribute that is missing, unknown or of the wrong kind: `ValueError`.
    #[error("{0}")]
    Attribute(Detail),
    /// A derivative that does not exist: `TypeError`.
    #[error("{0}")]
    Gradient(Detail),
    /// Memory that cannot be had: `MemoryError`.
    #[error("{0}")]
    Memory(Detail),
    /// A fault of the core's own: `RuntimeError`.
    #[error("{0}")]
    Internal(Detail),
    /// What code of the user's own raised: an exception, which the border keeps under this number.
    #[error("{0}")]
    Raised(Detail, u64),
    /// The caller asked to give up; nothing has changed.
    #[error("interrupted")]
    Interrupted,
}

pub type Result<T> = std::result::Result<T, Error>;

fn detail(op: &str, expected: impl Into<String>, got: impl Into<String>) -> Detail {
    Detail {
        op: op.to_string(),
        layer: String::new(),
        expected: expected.into(),
        got: got.into(),
    }
}

impl Error {
    pub fn shape(op: &str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::Shape(detail(op, expected, got))
    }

    pub fn dtype(op: &str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::DType(detail(op, expected, got))
    }

    pub fn data(op: &str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::Data(detail(op, expected, got))
    }

    pub fn attribute(op: &str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::Attribute(detail(op, expected, got))
    }

    pub fn gradient(op: &str, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Error::Gradient(detail(op, expected, got))
    }

    pub fn raised(op: &str, got: impl Into<String>, number: u64) -> Self {
        Error::Raised(detail(op, "a result", got), number)
    }

    /// The layer, where one is known, and the op.
    pub fn place(&self) -> String {
        let Some(d) = self.clone().detail_mut().cloned() else {
            return String::new();
        };
        match &d.layer[..] {
            "" => d.op,
            layer => format!("layer '{layer}': {}", d.op),
        }
    }

    fn detail_mut(&mut self) -> Option<&mut Detail> {
        match self {
            Error::Shape(d)
            | Error::DType(d)
            | Error::Data(d)
            | Error::Attribute(d)
            | Error::Gradient(d)
            | Error::Memory(d)
            | Error::Internal(d)
            | Error::Raised(d, _) => Some(d),
            Error::Interrupted => None,
        }
    }

    /// The same error under another op's name, whose rule this one serves.
    pub fn of_op(mut self, op: &str) -> Self {
        if let Some(d) = self.detail_mut() {
            d.op = op.to_string();
        }
        self
    }

    /// The same error with the layer's path, unless it already names one.
    pub fn in_layer(mut self, layer: &str) -> Self {
        if let Some(d) = self.detail_mut().filter(|d| d.layer.is_empty()) {
            d.layer = layer.to_string();
        }
        self
    }
}

/// Memory that the system refuses. Kernels, which return nothing, unwind with it ([`unwind`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory {
    /// What was wanted.
    pub bytes: usize,
    /// What there is, where that is known.
    pub available: Option<usize>,
}

impl OutOfMemory {
    pub fn of_op(self, op: &str) -> Error {
        let got = match self.available {
            Some(free) if free < self.bytes => format!("{} that are free", show_bytes(free)),
            _ => "a refusal of the system".to_string(),
        };
        let expected = format!("{} of memory", show_bytes(self.bytes));
        Error::Memory(detail(op, expected, got))
    }
}

impl From<OutOfMemory> for Error {
    fn from(error: OutOfMemory) -> Self {
        error.of_op("memory")
    }
}

/// A number of bytes as people read it: `1.5 GiB`, `640 bytes`.
pub fn show_bytes(bytes: usize) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = bytes as f64;
    let mut unit = "bytes";
    for next in UNITS {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    match unit {
        "bytes" => format!("{bytes} bytes"),
        _ => format!("{size:.1} {unit}"),
    }
}

/// What a kernel unwinds with when the caller gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp;

/// Leaves a kernel for the nearest [`caught`], with [`OutOfMemory`] or [`GivenUp`]. Prints nothing.
pub fn unwind(reason: impl Any + Send) -> ! {
    std::panic::resume_unwind(Box::new(reason))
}

/// Calls `f`; what unwinds out of it becomes an error that names `op`.
pub fn caught<T>(op: &str, f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        if payload.is::<GivenUp>() {
            return Err(Error::Interrupted);
        }
        if let Some(error) = payload.downcast_ref::<OutOfMemory>() {
            return Err(error.of_op(op));
        }
        let text = payload.downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let got = format!(
            "a fault inside ({})",
            text.as_deref().unwrap_or("no message")
        );
        Err(Error::Internal(detail(op, "a result", got)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unwinds_becomes_an_error() {
        assert_eq!(caught("op", || Ok(1)), Ok(1));
        assert_eq!(
            caught::<()>("op", || unwind(GivenUp)),
            Err(Error::Interrupted)
        );
        let want = OutOfMemory {
            bytes: 3 << 29,
            available: Some(640),
        };
        let error = caught::<()>("op", || unwind(want)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "op: expected 1.5 GiB of memory, got 640 bytes that are free"
        );
        let error = caught::<()>("op", || panic!("index {}", 7)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "op: expected a result, got a fault inside (index 7)"
        );
    }
}
