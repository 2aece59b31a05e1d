//! What the ops of linear algebra share: checks of matrices (..., m, n), and the graph that their backward
//! passes are made of.

use super::build::Build;
use super::iota::Iota;
use super::matmul::Matmul;
use super::reduce::Reduction;
use super::slice::Slice;
use crate::error::{Error, Result};
use crate::graph::{Graph, Value};
use crate::kernels::map::Compare;
use crate::size::Size;
use crate::tensor::{show, DType, Spec};

/// Rows and columns of matrices of floats.
pub fn sides(op: &str, name: &str, spec: &Spec) -> Result<(Size, Size)> {
    super::check::float(op, name, spec)?;
    match spec.shape[..] {
        [.., m, n] => Ok((m, n)),
        _ => Err(Error::shape(
            op,
            format!("{name} of matrices (..., m, n)"),
            show(&spec.shape),
        )),
    }
}

/// The side of square matrices of floats.
pub fn square(op: &str, name: &str, spec: &Spec) -> Result<Size> {
    let (m, n) = sides(op, name, spec)?;
    m.agreed(n)
        .ok_or_else(|| Error::shape(op, format!("{name} of square matrices"), show(&spec.shape)))
}

/// The axes before those of the matrices.
pub fn batch(spec: &Spec) -> Vec<Size> {
    spec.shape[..spec.rank() - 2].to_vec()
}

/// The spec of matrices, or with one size of vectors, beside others.
pub fn beside(spec: &Spec, sizes: &[Size]) -> Spec {
    Spec::new([&batch(spec)[..], sizes].concat(), spec.dtype)
}

/// a (..., n, n) and b (..., n, k) of systems: the spec of what solves them.
pub fn systems(op: &str, a: &Spec, b: &Spec) -> Result<Spec> {
    let n = square(op, "a", a)?;
    let (rows, _) = sides(op, "b", b)?;
    super::check::same_dtype(op, a, b)?;
    let fits = n.may_be(rows) && super::check::agree(&batch(a), &batch(b));
    match fits {
        true => Ok(b.clone()),
        false => Err(Error::shape(
            op,
            format!(
                "b with {n} rows, and the axes before them, of {}",
                show(&a.shape)
            ),
            show(&b.shape),
        )),
    }
}

/// The smaller size.
pub fn least(m: Size, n: Size) -> Size {
    m + n - m.max(n)
}

/// The matrix of this number in a batch of those of `size` elements.
pub fn nth<T>(x: &[T], at: usize, size: usize) -> &[T] {
    &x[at * size..][..size]
}

/// How many matrices there are.
pub fn count(spec: &Spec) -> usize {
    let dims = spec.dims();
    dims[..dims.len() - 2].iter().product()
}

/// Refuses matrices of which the one at this index, where there is one, is not as expected.
pub fn expect_all(op: &str, expected: &str, bad: Option<usize>) -> Result<()> {
    match bad {
        None => Ok(()),
        Some(at) => Err(Error::data(
            op,
            expected,
            format!("one at index {at} that is not"),
        )),
    }
}

/// A part of a square matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Lower,
    BelowDiagonal,
    Upper,
}

/// Pushes what is done to matrices.
pub trait Matrices: Build {
    /// `a b`, each read transposed where it says so.
    fn product(&mut self, a: (Value, bool), b: (Value, bool)) -> Result<Value>;
    /// Rows and columns exchanged.
    fn swapped(&mut self, x: Value) -> Result<Value>;
    /// x with zeros outside the part.
    fn part(&mut self, x: Value, part: Part) -> Result<Value>;
    /// Identity matrices (..., n, n) beside those of x.
    fn identity(&mut self, x: Value, n: Size) -> Result<Value>;
    /// Rows `from..to` (axis 2 from the end) or columns (axis 1 from the end).
    fn cut(&mut self, x: Value, axis: usize, from: Size, to: Size) -> Result<Value>;
    /// Vectors (..., n) as rows (..., 1, n), or as columns (..., n, 1).
    fn as_rows(&mut self, x: Value) -> Result<Value>;
    fn as_columns(&mut self, x: Value) -> Result<Value>;
    /// The sum of each matrix's elements, (..., 1, 1).
    fn total(&mut self, x: Value) -> Result<Value>;
    /// `1 / x`, and 0 where x is 0.
    fn inverse_or_zero(&mut self, x: Value) -> Result<Value>;
    /// The lower triangle of `x + x^T`, its diagonal halved: the gradient by a symmetric matrix of which
    /// the lower triangle is read.
    fn folded(&mut self, x: Value) -> Result<Value>;
}

fn line(g: &mut Graph, x: Value, axis: usize) -> Result<Value> {
    let shape = &g.spec(x).shape;
    let sides = shape[shape.len() - 2..].to_vec();
    g.push(Iota::new(sides, axis, DType::I32), &[])
}

impl Matrices for Graph {
    fn product(&mut self, a: (Value, bool), b: (Value, bool)) -> Result<Value> {
        let op = Matmul {
            transpose_a: a.1,
            transpose_b: b.1,
        };
        self.push(op, &[a.0, b.0])
    }

    fn swapped(&mut self, x: Value) -> Result<Value> {
        let mut axes: Vec<usize> = (0..self.spec(x).rank()).collect();
        let last = axes.len() - 1;
        axes.swap(last - 1, last);
        self.transpose(x, &axes)
    }

    fn part(&mut self, x: Value, part: Part) -> Result<Value> {
        let compare = match part {
            Part::Lower => Compare::Ge,
            Part::BelowDiagonal => Compare::Gt,
            Part::Upper => Compare::Le,
        };
        let (rows, columns) = (line(self, x, 0)?, line(self, x, 1)?);
        let inside = self.compare(compare, rows, columns)?;
        let zero = self.scalar(0.0, self.spec(x).dtype);
        self.select(inside, x, zero)
    }

    fn identity(&mut self, x: Value, n: Size) -> Result<Value> {
        let spec = beside(self.spec(x), &[n, n]);
        let sides = [n, n].to_vec();
        let rows = self.push(Iota::new(sides.clone(), 0, DType::I32), &[])?;
        let columns = self.push(Iota::new(sides, 1, DType::I32), &[])?;
        let same = self.compare(Compare::Eq, rows, columns)?;
        let one = self.cast(same, spec.dtype)?;
        self.broadcast_to(one, &spec.shape)
    }

    fn cut(&mut self, x: Value, axis: usize, from: Size, to: Size) -> Result<Value> {
        let shape = self.spec(x).shape.clone();
        let at = shape.len() - axis;
        match from == 0 && to == shape[at] {
            true => Ok(x),
            false => self.push(Slice::range(&shape, at, from, to), &[x]),
        }
    }

    fn as_rows(&mut self, x: Value) -> Result<Value> {
        let mut shape = self.spec(x).shape.clone();
        shape.insert(shape.len() - 1, Size::ONE);
        self.reshape(x, &shape)
    }

    fn as_columns(&mut self, x: Value) -> Result<Value> {
        let mut shape = self.spec(x).shape.clone();
        shape.push(Size::ONE);
        self.reshape(x, &shape)
    }

    fn total(&mut self, x: Value) -> Result<Value> {
        let rank = self.spec(x).rank();
        self.reduce(Reduction::Sum, x, &[rank - 2, rank - 1], true)
    }

    fn inverse_or_zero(&mut self, x: Value) -> Result<Value> {
        let dtype = self.spec(x).dtype;
        let (zero, one) = (self.scalar(0.0, dtype), self.scalar(1.0, dtype));
        let flat = self.compare(Compare::Eq, x, zero)?;
        let safe = self.select(flat, one, x)?;
        let inverse = self.div(one, safe)?;
        self.select(flat, zero, inverse)
    }

    fn folded(&mut self, x: Value) -> Result<Value> {
        let turned = self.swapped(x)?;
        let both = self.add(x, turned)?;
        let whole = self.part(both, Part::Lower)?;
        let below = self.part(both, Part::BelowDiagonal)?;
        let sum = self.add(whole, below)?;
        self.scale(sum, 0.5)
    }
}
