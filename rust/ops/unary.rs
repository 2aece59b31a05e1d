//! `y = f(x)`, element by element.
//!
//! `dx = dout * f'(x)`, written per function in `backward`, by `y` where that is cheaper.
//! Any shape. Floats; the functions of [`map::Unary::on_integers`] also integers; `is_*` give bool;
//! `logical_not` takes and gives bool. Derivatives: Abramowitz & Stegun, ch. 3-7.

use super::build::Build;
use super::check;
use super::dense::relu_gradient;
use super::named::{self, Named};
use crate::error::{Error, Result};
use crate::graph::{Backward, Op, Value};
use crate::kernels::map::{self, Instr, Logical, Test};
use crate::run::Prepared;
use crate::tensor::{DType, Spec};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    Number(map::Unary),
    Test(Test),
    Not,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unary {
    #[serde(with = "named")]
    function: Function,
}

impl Unary {
    pub fn of(f: map::Unary) -> Self {
        Unary {
            function: Function::Number(f),
        }
    }
}

impl Named for Function {
    fn table() -> Vec<(&'static str, Self)> {
        let numbers = map::Unary::TABLE
            .iter()
            .map(|(n, f)| (*n, Function::Number(*f)));
        let tests = Test::TABLE.iter().map(|(n, f)| (*n, Function::Test(*f)));
        numbers
            .chain(tests)
            .chain([("logical_not", Function::Not)])
            .collect()
    }
}

impl Op for Unary {
    fn name(&self) -> &'static str {
        "unary"
    }

    fn shape(&self, inputs: &[&Spec]) -> Result<Vec<Spec>> {
        let [x] = check::count(self.name(), inputs)?;
        let out = match self.function {
            Function::Number(f) if f.on_integers() && x.dtype.is_int() => x.dtype,
            Function::Number(_) => {
                check::float(self.name(), "x", x)?;
                x.dtype
            }
            Function::Test(_) => {
                check::float(self.name(), "x", x)?;
                DType::Bool
            }
            Function::Not => {
                check::dtype(self.name(), "x", x, DType::Bool)?;
                DType::Bool
            }
        };
        Ok(vec![Spec::new(x.shape.clone(), out)])
    }

    fn backward(&self, b: &mut Backward) -> Result<Vec<Option<Value>>> {
        use map::Unary::*;
        let Function::Number(f) = self.function else {
            return Ok(vec![None]);
        };
        let dout = b.dout(self.name())?;
        let (x, y) = (b.inputs[0], b.outputs[0]);
        let dtype = b.spec(x).dtype;
        let g = &mut *b.graph;
        let dx = match f {
            Neg => g.neg(dout)?,
            Abs => {
                let sign = g.unary(Sign, x)?;
                g.mul(dout, sign)?
            }
            Sign | Floor | Ceil | Round | Trunc => return Ok(vec![None]),
            Square => {
                let twice = g.scale(x, 2.0)?;
                g.mul(dout, twice)?
            }
            Relu => relu_gradient(g, dout, y)?,
            Exp => g.mul(dout, y)?,
            Expm1 => {
                let slope = g.offset(y, 1.0)?;
                g.mul(dout, slope)?
            }
            Log => g.div(dout, x)?,
            Log1p => {
                let slope = g.offset(x, 1.0)?;
                g.div(dout, slope)?
            }
            Sqrt => {
                let twice = g.scale(y, 2.0)?;
                g.div(dout, twice)?
            }
            Rsqrt => {
                // -1/2 x^(-3/2) = -1/2 y / x
                let slope = g.div(y, x)?;
                let slope = g.scale(slope, -0.5)?;
                g.mul(dout, slope)?
            }
            Reciprocal => {
                let slope = g.unary(Square, y)?;
                let slope = g.neg(slope)?;
                g.mul(dout, slope)?
            }
            Sin => {
                let slope = g.unary(Cos, x)?;
                g.mul(dout, slope)?
            }
            Cos => {
                let slope = g.unary(Sin, x)?;
                let slope = g.neg(slope)?;
                g.mul(dout, slope)?
            }
            Tan => {
                let slope = g.unary(Square, y)?;
                let slope = g.offset(slope, 1.0)?;
                g.mul(dout, slope)?
            }
            Asin | Acos => {
                // 1 / sqrt((1 - x)(1 + x))
                let one = g.scalar(1.0, dtype);
                let (below, above) = (g.sub(one, x)?, g.offset(x, 1.0)?);
                let product = g.mul(below, above)?;
                let slope = g.unary(Rsqrt, product)?;
                let dx = g.mul(dout, slope)?;
                if f == Acos {
                    g.neg(dx)?
                } else {
                    dx
                }
            }
            Atan => {
                let square = g.unary(Square, x)?;
                let square = g.offset(square, 1.0)?;
                g.div(dout, square)?
            }
            Sinh => {
                let slope = g.unary(Cosh, x)?;
                g.mul(dout, slope)?
            }
            Cosh => {
                let slope = g.unary(Sinh, x)?;
                g.mul(dout, slope)?
            }
            Tanh => {
                let one = g.scalar(1.0, dtype);
                let square = g.unary(Square, y)?;
                let slope = g.sub(one, square)?;
                g.mul(dout, slope)?
            }
            Asinh => {
                let square = g.unary(Square, x)?;
                let square = g.offset(square, 1.0)?;
                let slope = g.unary(Rsqrt, square)?;
                g.mul(dout, slope)?
            }
            Acosh => {
                let (below, above) = (g.offset(x, -1.0)?, g.offset(x, 1.0)?);
                let product = g.mul(below, above)?;
                let slope = g.unary(Rsqrt, product)?;
                g.mul(dout, slope)?
            }
            Atanh => {
                let one = g.scalar(1.0, dtype);
                let (below, above) = (g.sub(one, x)?, g.offset(x, 1.0)?);
                let product = g.mul(below, above)?;
                g.div(dout, product)?
            }
            Sigmoid => {
                let one = g.scalar(1.0, dtype);
                let rest = g.sub(one, y)?;
                let slope = g.mul(y, rest)?;
                g.mul(dout, slope)?
            }
            LogSigmoid => {
                let minus = g.neg(x)?;
                let slope = g.unary(Sigmoid, minus)?;
                g.mul(dout, slope)?
            }
            Softplus => {
                let slope = g.unary(Sigmoid, x)?;
                g.mul(dout, slope)?
            }
            Silu => {
                // s (1 + x (1 - s)), s = sigmoid(x)
                let one = g.scalar(1.0, dtype);
                let s = g.unary(Sigmoid, x)?;
                let rest = g.sub(one, s)?;
                let slope = g.mul(x, rest)?;
                let slope = g.offset(slope, 1.0)?;
                let slope = g.mul(s, slope)?;
                g.mul(dout, slope)?
            }
            Gelu => {
                let slope = g.unary(GeluSlope, x)?;
                g.mul(dout, slope)?
            }
            GeluSlope => {
                // (2 - x^2) exp(-x^2/2) / sqrt(2 pi), which is 0 to the last bit beyond 40
                let (low, high) = (g.scalar(-40.0, dtype), g.scalar(40.0, dtype));
                let c = g.binary(map::Binary::Maximum, x, low)?;
                let c = g.binary(map::Binary::Minimum, c, high)?;
                let square = g.unary(Square, c)?;
                let half = g.scale(square, -0.5)?;
                let density = g.unary(Exp, half)?;
                let density = g.scale(density, 1.0 / (2.0 * PI).sqrt())?;
                let two = g.scalar(2.0, dtype);
                let rest = g.sub(two, square)?;
                let slope = g.mul(rest, density)?;
                g.mul(dout, slope)?
            }
            Erf => {
                // 2/sqrt(pi) exp(-x^2)
                let square = g.unary(Square, x)?;
                let square = g.neg(square)?;
                let slope = g.unary(Exp, square)?;
                let slope = g.scale(slope, 2.0 / PI.sqrt())?;
                g.mul(dout, slope)?
            }
            Erfinv => {
                // sqrt(pi)/2 exp(y^2)
                let square = g.unary(Square, y)?;
                let slope = g.unary(Exp, square)?;
                let slope = g.scale(slope, PI.sqrt() / 2.0)?;
                g.mul(dout, slope)?
            }
            Lgamma => {
                let slope = g.unary(Digamma, x)?;
                g.mul(dout, slope)?
            }
            Digamma => {
                return Err(Error::gradient(
                    self.name(),
                    "a function whose derivative is there",
                    "digamma",
                ))
            }
        };
        Ok(vec![Some(dx)])
    }

    fn prepare(&self, _inputs: &[&Spec], _outputs: &[&Spec]) -> Result<Prepared> {
        Ok(Prepared::Elementwise(match self.function {
            Function::Number(f) => Instr::Unary(f),
            Function::Test(f) => Instr::Test(f),
            Function::Not => Instr::Logical(Logical::Not),
        }))
    }
}
