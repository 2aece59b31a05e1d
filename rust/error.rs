//! One error enum. Every message names the op, the layer where one is known, what was expected and
//! what came.

use std::fmt;

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

    fn detail_mut(&mut self) -> &mut Detail {
        match self {
            Error::Shape(d)
            | Error::DType(d)
            | Error::Data(d)
            | Error::Attribute(d)
            | Error::Gradient(d) => d,
        }
    }

    /// The same error under another op's name, whose rule this one serves.
    pub fn of_op(mut self, op: &str) -> Self {
        self.detail_mut().op = op.to_string();
        self
    }

    /// The same error with the layer's path, unless it already names one.
    pub fn in_layer(mut self, layer: &str) -> Self {
        let d = self.detail_mut();
        if d.layer.is_empty() {
            d.layer = layer.to_string();
        }
        self
    }
}
