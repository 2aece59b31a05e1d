//! Checks that the ops' shape rules share.

use crate::error::{Error, Result};
use crate::size::Size;
use crate::tensor::{show, DType, Spec};

/// Exactly `N` inputs.
pub fn count<'a, const N: usize>(op: &str, inputs: &[&'a Spec]) -> Result<[&'a Spec; N]> {
    <[&Spec; N]>::try_from(inputs)
        .map_err(|_| Error::shape(op, format!("{N} inputs"), inputs.len().to_string()))
}

pub fn float(op: &str, name: &str, spec: &Spec) -> Result<()> {
    match spec.dtype.is_float() {
        true => Ok(()),
        false => Err(Error::dtype(
            op,
            format!("{name} of float32 or float64"),
            spec.dtype.name(),
        )),
    }
}

pub fn int(op: &str, name: &str, spec: &Spec) -> Result<()> {
    match spec.dtype.is_int() {
        true => Ok(()),
        false => Err(Error::dtype(
            op,
            format!("{name} of an integer dtype"),
            spec.dtype.name(),
        )),
    }
}

pub fn dtype(op: &str, name: &str, spec: &Spec, expected: DType) -> Result<()> {
    match spec.dtype == expected {
        true => Ok(()),
        false => Err(Error::dtype(
            op,
            format!("{name} of {expected}"),
            spec.dtype.name(),
        )),
    }
}

pub fn same_dtype(op: &str, a: &Spec, b: &Spec) -> Result<()> {
    match a.dtype == b.dtype {
        true => Ok(()),
        false => Err(Error::dtype(
            op,
            format!("operands of one dtype ({})", a.dtype),
            b.dtype.name(),
        )),
    }
}

/// An axis index within the rank.
pub fn axis(op: &str, axis: usize, spec: &Spec) -> Result<()> {
    match axis < spec.rank() {
        true => Ok(()),
        false => Err(Error::shape(
            op,
            format!("an axis below the rank of {}", show(&spec.shape)),
            format!("axis {axis}"),
        )),
    }
}

/// At least one axis.
pub fn ranked(op: &str, name: &str, spec: &Spec) -> Result<()> {
    match spec.rank() {
        0 => Err(Error::shape(op, format!("{name} of rank 1 or more"), "()")),
        _ => Ok(()),
    }
}

/// Whether two shapes may be one.
pub fn agree(a: &[Size], b: &[Size]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.may_be(*b))
}

pub fn same_shape(op: &str, expected: &[Size], got: &[Size]) -> Result<()> {
    match agree(expected, got) {
        true => Ok(()),
        false => Err(Error::shape(op, show(expected), show(got))),
    }
}

/// NumPy's broadcast of several shapes. A size that is not known is no 1.
pub fn broadcast(op: &str, shapes: &[&[Size]]) -> Result<Vec<Size>> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![Size::ONE; rank];
    for shape in shapes {
        let lead = rank - shape.len();
        for (axis, &size) in shape.iter().enumerate() {
            let slot = &mut out[lead + axis];
            let both = match (*slot, size) {
                (Size::ONE, size) => Some(size),
                (size, Size::ONE) => Some(size),
                (a, b) => a.agreed(b),
            };
            if let Some(size) = both {
                *slot = size;
            } else {
                let all: Vec<String> = shapes.iter().map(|s| show(s)).collect();
                return Err(Error::shape(
                    op,
                    "shapes that broadcast together",
                    all.join(" and "),
                ));
            }
        }
    }
    Ok(out)
}
