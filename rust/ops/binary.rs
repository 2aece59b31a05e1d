//! `y = f(a, b)`, element by element, shapes broadcast as in NumPy.
//!
//! `da = sum_to(dout * df/da, shape of a)`, likewise `db`; `maximum` and `minimum` give each side
//! half of a tie. Both operands have one dtype; comparisons and logic give bool. Bits, `gcd` and `lcm` are
//! of integers alone, and have no derivative.

use super::build::Build;
use super::check;
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::{self, Compare, Instr, Logical};
use crate::run::Prepared;
use crate::tensor::{DType, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Number(map::Binary),
    Compare(Compare),
    Logical(Logical),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binary {
    #[serde(with = "named")]
    function: Function,
}

impl Binary {
    pub fn of(f: map::Binary) -> Self {
        Binary {
            function: Function::Number(f),
        }
    }

    pub fn is_compare(&self, f: Compare) -> bool {
        self.function == Function::Compare(f)
    }

    pub fn compare(f: Compare) -> Self {
        Binary {
            function: Function::Compare(f),
        }
    }
}

impl Named for Function {
    fn table() -> Vec<(&'static str, Self)> {
        let numbers = map::Binary::TABLE
            .iter()
            .map(|(n, f)| (*n, Function::Number(*f)));
        let compares = Compare::TABLE
            .iter()
            .map(|(n, f)| (*n, Function::Compare(*f)));
        let logicals = Logical::TABLE
            .iter()
            .filter(|(_, f)| *f != Logical::Not)
            .map(|(n, f)| (*n, Function::Logical(*f)));
        numbers.chain(compares).chain(logicals).collect()
    }
}

impl Op for Binary {
    fn name(&self) -> &'static str {
        "binary"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [a, b] = check::count(self.name(), inputs)?;
        check::same_dtype(self.name(), a, b)?;
        let out = match self.function {
            Function::Number(f) => {
                let fits =
                    (a.dtype.is_float() && f.on_floats()) || (a.dtype.is_int() && f.on_integers());
                if !fits {
                    return Err(Error::dtype(
                        self.name(),
                        format!("{f:?} of numbers that it takes"),
                        a.dtype.name(),
                    ));
                }
                a.dtype
            }
            Function::Compare(_) => DType::Bool,
            Function::Logical(_) => {
                check::dtype(self.name(), "a", a, DType::Bool)?;
                DType::Bool
            }
        };
        let shape = check::broadcast(self.name(), &[&a.shape, &b.shape])?;
        Ok(vec![Spec::new(shape, out)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        use map::Binary::*;
        let Function::Number(f) = self.function else {
            return Ok(vec![None, None]);
        };
        let dout = b.dout(self.name())?;
        let (x, z, y) = (b.inputs[0], b.inputs[1], b.outputs[0]);
        let (sx, sz) = (b.spec(x), b.spec(z));
        let dtype = sx.dtype;
        let (want_x, want_z) = (b.wanted[0], b.wanted[1]);
        let g = &mut *b.graph;
        let (dx, dz) = match f {
            Add => (Some(dout), Some(dout)),
            Sub => (Some(dout), if want_z { Some(g.neg(dout)?) } else { None }),
            Mul => (
                if want_x { Some(g.mul(dout, z)?) } else { None },
                if want_z { Some(g.mul(dout, x)?) } else { None },
            ),
            Div => {
                let dx = g.div(dout, z)?;
                let dz = if want_z {
                    let t = g.mul(dx, y)?;
                    Some(g.neg(t)?)
                } else {
                    None
                };
                (Some(dx), dz)
            }
            Pow => {
                let zero = g.scalar(0.0, dtype);
                let one = g.scalar(1.0, dtype);
                let dx = if want_x {
                    // z x^(z-1), and 0 where z = 0, at x of 0 and NaN too; their power is that of 1,
                    // so that neither it nor its derivative is infinite
                    let less = g.sub(z, one)?;
                    let flat = g.compare(Compare::Eq, z, zero)?;
                    let size = g.unary(map::Unary::Abs, x)?;
                    let tiny = g.scalar(f64::from(f32::MIN_POSITIVE), dtype);
                    let usual = g.compare(Compare::Ge, size, tiny)?;
                    let safe = g.select(usual, x, one)?;
                    let safe = g.select(flat, safe, x)?;
                    let power = g.binary(Pow, safe, less)?;
                    let slope = g.mul(z, power)?;
                    Some(g.mul(dout, slope)?)
                } else {
                    None
                };
                let dz = if want_z {
                    // y log x, and 0 at x = 0
                    let at_zero = g.compare(Compare::Eq, x, zero)?;
                    let safe = g.select(at_zero, one, x)?;
                    let log = g.unary(map::Unary::Log, safe)?;
                    let slope = g.mul(y, log)?;
                    Some(g.mul(dout, slope)?)
                } else {
                    None
                };
                (dx, dz)
            }
            Maximum | Minimum => {
                let (zero, half, one) = (
                    g.scalar(0.0, dtype),
                    g.scalar(0.5, dtype),
                    g.scalar(1.0, dtype),
                );
                let compare = if f == Maximum {
                    Compare::Gt
                } else {
                    Compare::Lt
                };
                let first = g.compare(compare, x, z)?;
                let tie = g.compare(Compare::Eq, x, z)?;
                let share = g.select(first, one, zero)?;
                let share = g.select(tie, half, share)?;
                let rest = g.sub(one, share)?;
                (Some(g.mul(dout, share)?), Some(g.mul(dout, rest)?))
            }
            Atan2 => {
                // y = atan2(x, z): z / (x^2 + z^2), -x / (x^2 + z^2), and 0 at the origin
                let (xx, zz) = (
                    g.unary(map::Unary::Square, x)?,
                    g.unary(map::Unary::Square, z)?,
                );
                let sum = g.add(xx, zz)?;
                let zero = g.scalar(0.0, dtype);
                let origin = g.compare(Compare::Eq, sum, zero)?;
                let one = g.scalar(1.0, dtype);
                let sum = g.select(origin, one, sum)?;
                let ratio = g.div(dout, sum)?;
                let dx = g.mul(ratio, z)?;
                let dz = g.mul(ratio, x)?;
                (Some(dx), Some(g.neg(dz)?))
            }
            NextAfter => (Some(dout), None),
            FloorDiv | BitAnd | BitOr | BitXor | LeftShift | RightShift | Gcd | Lcm => (None, None),
            Mod => {
                let quotient = g.binary(FloorDiv, x, z)?;
                let slope = g.neg(quotient)?;
                (Some(dout), Some(g.mul(dout, slope)?))
            }
        };
        let dx = match dx {
            Some(d) if want_x => Some(g.sum_to(d, &sx.shape)?),
            _ => None,
        };
        let dz = match dz {
            Some(d) if want_z => Some(g.sum_to(d, &sz.shape)?),
            _ => None,
        };
        Ok(vec![dx, dz])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(match self.function {
            Function::Number(f) => Instr::Binary(f),
            Function::Compare(f) => Instr::Compare(f),
            Function::Logical(f) => Instr::Logical(f),
        }))
    }
}
