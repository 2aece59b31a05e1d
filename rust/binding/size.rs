//! `Size`: the size of an axis that is not known while shapes are inferred.

use crate::error::Error;
use crate::size::{Factor, Size};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyTypeError, PyValueError, PyZeroDivisionError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyTuple};

/// A size that is no number: Python reckons with it as with an int, and gets sizes.
#[pyclass(name = "Size", module = "chainrule._core", frozen)]
pub struct PySize {
    size: Size,
}

/// A size for Python: an int where it is known.
pub fn to_python(py: Python<'_>, size: Size) -> PyResult<Bound<'_, PyAny>> {
    match size.number() {
        Some(number) => Ok(number.into_pyobject(py)?.into_any()),
        None => Ok(Bound::new(py, PySize { size })?.into_any()),
    }
}

/// A shape for Python.
pub fn shape_to_python<'py>(py: Python<'py>, shape: &[Size]) -> PyResult<Bound<'py, PyTuple>> {
    if shape.iter().all(|size| size.is_known()) {
        return PyTuple::new(py, crate::size::dims(shape));
    }
    let sizes: PyResult<Vec<_>> = shape.iter().map(|size| to_python(py, *size)).collect();
    PyTuple::new(py, sizes?)
}

/// A shape as Python gives it, some of its sizes perhaps not known.
pub fn shape_from(place: &str, shape: &Bound<'_, PyAny>) -> PyResult<Vec<Size>> {
    let size = |item: PyResult<Bound<'_, PyAny>>| {
        let item = item?;
        match item.cast::<PySize>() {
            Ok(size) => Ok(size.get().size),
            Err(_) => Ok(Size::of(item.extract()?)),
        }
    };
    let sizes = shape.try_iter().and_then(|items| items.map(size).collect());
    sizes.map_err(|_: PyErr| {
        let expected = "a shape of sizes from 0 to 2**63 - 1";
        Error::shape(place, expected, shape.to_string()).into()
    })
}

/// Attributes in which a word stands for each size that is not known; `None` where all are.
pub fn as_words<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    if let Ok(size) = value.cast::<PySize>() {
        return Ok(Some(size.get().size.word().into_pyobject(py)?.into_any()));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let words = PyDict::new(py);
        let mut any = false;
        for (key, item) in dict {
            let word = as_words(&item)?;
            any |= word.is_some();
            words.set_item(key, word.unwrap_or(item))?;
        }
        return Ok(any.then(|| words.into_any()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let words = PyList::empty(py);
        let mut any = false;
        for item in value.try_iter()? {
            let item = item?;
            let word = as_words(&item)?;
            any |= word.is_some();
            words.append(word.unwrap_or(item))?;
        }
        return Ok(any.then(|| words.into_any()));
    }
    Ok(None)
}

/// A size or an int; nothing for what else may stand beside an operator.
fn operand(other: &Bound<'_, PyAny>) -> Option<Size> {
    match other.cast::<PySize>() {
        Ok(size) => Some(size.get().size),
        Err(_) => other.extract().ok().map(Size::signed),
    }
}

fn refuse<T>(what: &str) -> PyResult<T> {
    Err(PyTypeError::new_err(format!(
        "{what}: the size is not known while shapes are inferred"
    )))
}

type Object<'py> = Bound<'py, PyAny>;

fn calculated<'py>(
    py: Python<'py>,
    other: &Object<'py>,
    f: impl FnOnce(Size) -> PyResult<Size>,
) -> PyResult<Object<'py>> {
    match operand(other) {
        Some(other) => to_python(py, f(other)?),
        None => Ok(py.NotImplemented().into_bound(py)),
    }
}

fn floor_div(a: Size, b: Size) -> PyResult<Size> {
    match b {
        Size::ZERO => Err(PyZeroDivisionError::new_err("a size divided by 0")),
        _ => Ok(a.floor_div(b)),
    }
}

#[pymethods]
impl PySize {
    /// Unknown size number `index` of an inference.
    #[staticmethod]
    fn symbol(index: usize) -> Self {
        PySize {
            size: Size::symbol(index),
        }
    }

    /// What a word stands for where attributes are read back (`Graph.nodes`): a size, or the number itself.
    #[staticmethod]
    fn of_word(py: Python<'_>, word: i64) -> PyResult<Bound<'_, PyAny>> {
        match Size::of_word(word) {
            Some(size) => to_python(py, size),
            None => Err(PyValueError::new_err(format!(
                "Size.of_word: expected the word of a size, got {word}"
            ))),
        }
    }

    /// The sum that it is: how often each product counts, and the product's factors. A factor is
    /// `("symbol", i, 1)`, `("quotient", a, b)` rounded down, `("larger", a, b)` or `("product", a, b)`.
    fn products<'py>(&self, py: Python<'py>) -> PyResult<Vec<(isize, Vec<Bound<'py, PyTuple>>)>> {
        let shown = |factor: Factor| {
            let (name, a, b) = match factor {
                Factor::Symbol(index) => ("symbol", Size::of(index), Size::ONE),
                Factor::Quotient(a, b) => ("quotient", a, b),
                Factor::Larger(a, b) => ("larger", a, b),
                Factor::Product(a, b) => ("product", a, b),
            };
            (name, to_python(py, a)?, to_python(py, b)?).into_pyobject(py)
        };
        let products = self.size.products().into_iter();
        let products = products.map(|(count, factors)| {
            let factors: PyResult<Vec<_>> = factors.into_iter().map(shown).collect();
            Ok((count, factors?))
        });
        products.collect()
    }

    fn __add__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| Ok(self.size + other))
    }

    fn __radd__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        self.__add__(py, other)
    }

    fn __sub__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| Ok(self.size - other))
    }

    fn __rsub__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| Ok(other - self.size))
    }

    fn __mul__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| Ok(self.size * other))
    }

    fn __rmul__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        self.__mul__(py, other)
    }

    fn __floordiv__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| floor_div(self.size, other))
    }

    fn __rfloordiv__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| floor_div(other, self.size))
    }

    fn __mod__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        let rest = |other| Ok(self.size - floor_div(self.size, other)? * other);
        calculated(py, other, rest)
    }

    fn __rmod__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        let rest = |other| Ok(other - floor_div(other, self.size)? * self.size);
        calculated(py, other, rest)
    }

    fn __neg__<'py>(&self, py: Python<'py>) -> PyResult<Object<'py>> {
        to_python(py, -self.size)
    }

    /// The larger one, also where it cannot be told which it is.
    fn at_least<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        calculated(py, other, |other| Ok(self.size.max(other)))
    }

    /// Whether it is not surely another size.
    fn may_be(&self, other: &Object<'_>) -> bool {
        operand(other).is_some_and(|other| self.size.may_be(other))
    }

    /// A number of which nothing is known: NaN. Of values that are computed with it only the shapes
    /// are wanted.
    fn __float__(&self) -> f64 {
        f64::NAN
    }

    fn __truediv__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        match other.extract::<f64>() {
            Ok(_) => Ok(f64::NAN.into_pyobject(py)?.into_any()),
            Err(_) => Ok(py.NotImplemented().into_bound(py)),
        }
    }

    fn __rtruediv__<'py>(&self, py: Python<'py>, other: &Object<'py>) -> PyResult<Object<'py>> {
        self.__truediv__(py, other)
    }

    fn __pow__<'py>(
        &self,
        py: Python<'py>,
        other: &Object<'py>,
        _modulo: Option<&Object<'py>>,
    ) -> PyResult<Object<'py>> {
        match other.extract::<u32>() {
            Ok(times) => to_python(py, self.size.pow(times)),
            Err(_) => self.__truediv__(py, other),
        }
    }

    fn __richcmp__(&self, other: &Object<'_>, how: CompareOp) -> PyResult<Option<bool>> {
        let (a, Some(b)) = (self.size, operand(other)) else {
            // Of another kind: equal to nothing, and in no order.
            return Ok(match how {
                CompareOp::Eq => Some(false),
                CompareOp::Ne => Some(true),
                _ => None,
            });
        };
        match how {
            CompareOp::Eq => Ok(a == b),
            CompareOp::Ne => Ok(a != b),
            CompareOp::Lt => is_below(a, b),
            CompareOp::Gt => is_below(b, a),
            CompareOp::Le => is_below(b, a).map(|above| !above),
            CompareOp::Ge => is_below(a, b).map(|below| !below),
        }
        .map(Some)
    }

    fn __hash__(&self) -> isize {
        self.size.word() as isize
    }

    fn __bool__(&self) -> PyResult<bool> {
        match self.size.may_be(0usize) {
            false => Ok(true),
            true => refuse("expected a size that is 0 or is not"),
        }
    }

    fn __index__<'py>(&self) -> PyResult<Bound<'py, PyInt>> {
        refuse("expected an int, got None")
    }

    fn __repr__(&self) -> String {
        self.size.to_string()
    }
}

fn is_below(a: Size, b: Size) -> PyResult<bool> {
    match (a.surely_below(b), a.may_be_below(b)) {
        (true, _) => Ok(true),
        (_, false) => Ok(false),
        _ => refuse("expected sizes that can be compared"),
    }
}
