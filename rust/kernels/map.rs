//! Element-wise instructions on contiguous slices: the tables of functions that `ops/unary.rs` and
//! `ops/binary.rs` name, and their loops.

use super::float::Float;
use super::isa::{dispatch, Kernel};
use super::joined::Then;
use super::number::Number;
use crate::tensor::{DType, Element};

/// One element-wise instruction. Operands have one dtype, but for `Select`'s first (bool).
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Instr {
    Unary(Unary),
    Test(Test),
    Binary(Binary),
    Compare(Compare),
    Logical(Logical),
    /// `cond ? a : b`.
    Select,
    /// To this dtype.
    Cast(DType),
    /// `x` kept and scaled, or zero, by the seed of the second operand.
    Dropout {
        rate: f64,
    },
    /// Two functions of numbers, the second of the first's result: what programs make of two steps.
    Pair(Binary, Then),
    /// `a <cmp> b ? c : d`: what programs make of two steps.
    Choose(Compare),
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($variant),* }

        impl $name {
            /// The functions by the names that the border uses.
            pub const TABLE: &'static [(&'static str, $name)] = &[$(($text, $name::$variant)),*];
        }
    };
}

table! {
    /// Functions of one number.
    Unary {
        Neg = "neg", Abs = "abs", Sign = "sign", Square = "square", Relu = "relu",
        Floor = "floor", Ceil = "ceil", Round = "round", Trunc = "trunc",
        Exp = "exp", Expm1 = "expm1", Log = "log", Log1p = "log1p",
        Sqrt = "sqrt", Rsqrt = "rsqrt", Reciprocal = "reciprocal",
        Sin = "sin", Cos = "cos", Tan = "tan", Asin = "asin", Acos = "acos", Atan = "atan",
        Sinh = "sinh", Cosh = "cosh", Tanh = "tanh",
        Asinh = "asinh", Acosh = "acosh", Atanh = "atanh",
        Sigmoid = "sigmoid", LogSigmoid = "log_sigmoid", Softplus = "softplus", Silu = "silu",
        Erf = "erf", Erfinv = "erfinv", Lgamma = "lgamma", Digamma = "digamma",
    }
}
table! {
    /// Questions to one number, answered in bool.
    Test { IsNan = "is_nan", IsInf = "is_inf", IsFinite = "is_finite" }
}
table! {
    /// Functions of two numbers of one dtype.
    Binary {
        Add = "add", Sub = "sub", Mul = "mul", Div = "div", Pow = "pow",
        Maximum = "maximum", Minimum = "minimum", Atan2 = "atan2",
        FloorDiv = "floor_div", Mod = "mod",
    }
}
table! {
    /// Comparisons of two numbers of one dtype, answered in bool.
    Compare { Eq = "eq", Ne = "ne", Lt = "lt", Le = "le", Gt = "gt", Ge = "ge" }
}
table! {
    /// Functions of bools.
    Logical { Not = "logical_not", And = "logical_and", Or = "logical_or", Xor = "logical_xor" }
}

impl Unary {
    /// Whether the function takes integers too.
    pub fn on_integers(self) -> bool {
        use Unary::*;
        matches!(
            self,
            Neg | Abs | Sign | Square | Relu | Floor | Ceil | Round | Trunc
        )
    }
}

impl Binary {
    /// Whether the function takes integers too.
    pub fn on_integers(self) -> bool {
        !matches!(self, Binary::Div | Binary::Atan2)
    }
}

struct Map1<'a, A, B, F> {
    x: &'a [A],
    out: &'a mut [B],
    f: F,
}

impl<A: Copy, B, F: Fn(A) -> B> Kernel for Map1<'_, A, B, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (o, x) in self.out.iter_mut().zip(self.x) {
            *o = (self.f)(*x);
        }
    }
}

struct Map2<'a, A, B, F> {
    x: &'a [A],
    y: &'a [A],
    out: &'a mut [B],
    f: F,
}

impl<A: Copy, B, F: Fn(A, A) -> B> Kernel for Map2<'_, A, B, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        let (x, y) = (&self.x[..n], &self.y[..n]);
        for i in 0..n {
            self.out[i] = (self.f)(x[i], y[i]);
        }
    }
}

/// `out[i] = f(x[i])`, compiled for every instruction set.
pub fn map1<A: Copy, B>(x: &[A], out: &mut [B], f: impl Fn(A) -> B) {
    dispatch(Map1 { x, out, f });
}

/// `out[i] = f(x[i], y[i])`, compiled for every instruction set.
pub fn map2<A: Copy, B>(x: &[A], y: &[A], out: &mut [B], f: impl Fn(A, A) -> B) {
    dispatch(Map2 { x, y, out, f });
}

struct Update<'a, T, F> {
    x: &'a mut [T],
    y: &'a [T],
    f: F,
}

impl<T: Copy, F: Fn(T, T) -> T> Kernel for Update<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        for (x, y) in self.x.iter_mut().zip(self.y) {
            *x = (self.f)(*x, *y);
        }
    }
}

/// `x[i] = f(x[i], y[i])`, compiled for every instruction set.
pub fn update<T: Copy>(x: &mut [T], y: &[T], f: impl Fn(T, T) -> T) {
    dispatch(Update { x, y, f });
}

/// `out = f(x)` on floats.
pub fn unary_float<T: Float + Number>(f: Unary, x: &[T], out: &mut [T]) {
    macro_rules! go {
        ($($variant:ident => $body:expr),* $(,)?) => {
            match f { $(Unary::$variant => map1(x, out, #[inline(always)] $body)),* }
        };
    }
    go! {
        Neg => |v: T| Number::neg(v),
        Abs => |v: T| Number::abs(v),
        Sign => |v: T| Number::sign(v),
        Square => |v: T| Number::mul(v, v),
        Relu => |v: T| Number::maximum(v, <T as Number>::ZERO),
        Floor => |v: T| v.floor(),
        Ceil => |v: T| v.ceil(),
        Round => |v: T| v.round_even(),
        Trunc => |v: T| v.trunc(),
        Exp => |v: T| v.exp(),
        Expm1 => |v: T| v.expm1(),
        Log => |v: T| v.log(),
        Log1p => |v: T| v.log1p(),
        Sqrt => |v: T| v.sqrt(),
        Rsqrt => |v: T| v.rsqrt(),
        Reciprocal => |v: T| v.reciprocal(),
        Sin => |v: T| v.sin(),
        Cos => |v: T| v.cos(),
        Tan => |v: T| v.tan(),
        Asin => |v: T| v.asin(),
        Acos => |v: T| v.acos(),
        Atan => |v: T| v.atan(),
        Sinh => |v: T| v.sinh(),
        Cosh => |v: T| v.cosh(),
        Tanh => |v: T| v.tanh(),
        Asinh => |v: T| v.asinh(),
        Acosh => |v: T| v.acosh(),
        Atanh => |v: T| v.atanh(),
        Sigmoid => |v: T| v.sigmoid(),
        LogSigmoid => |v: T| v.log_sigmoid(),
        Softplus => |v: T| v.softplus(),
        Silu => |v: T| v.silu(),
        Erf => |v: T| v.erf(),
        Erfinv => |v: T| v.erfinv(),
        Lgamma => |v: T| v.lgamma(),
        Digamma => |v: T| v.digamma(),
    }
}

/// `out = f(x)` on integers; only the functions of [`Unary::on_integers`].
pub fn unary_int<T: Number>(f: Unary, x: &[T], out: &mut [T]) {
    match f {
        Unary::Neg => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.neg(),
        ),
        Unary::Abs => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.abs(),
        ),
        Unary::Sign => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.sign(),
        ),
        Unary::Square => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.mul(v),
        ),
        Unary::Relu => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.maximum(T::ZERO),
        ),
        _ => out.copy_from_slice(x),
    }
}

/// `out = f(x)`, 0 or 1.
pub fn test<T: Float + Number>(f: Test, x: &[T], out: &mut [u8]) {
    match f {
        Test::IsNan => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.is_nan() as u8,
        ),
        Test::IsInf => map1(
            x,
            out,
            #[inline(always)]
            |v: T| (Number::abs(v) == T::INFINITY) as u8,
        ),
        Test::IsFinite => map1(
            x,
            out,
            #[inline(always)]
            |v: T| (Number::abs(v) < T::INFINITY) as u8,
        ),
    }
}

/// `out = f(x, y)` on any number; `atan2` of integers is refused before.
pub fn binary<T: Number + Element>(f: Binary, x: &[T], y: &[T], out: &mut [T]) {
    match f {
        Binary::Add => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.add(b),
        ),
        Binary::Sub => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.sub(b),
        ),
        Binary::Mul => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.mul(b),
        ),
        Binary::Div => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.div(b),
        ),
        Binary::Pow => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.pow(b),
        ),
        Binary::Maximum => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.maximum(b),
        ),
        Binary::Minimum => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.minimum(b),
        ),
        Binary::FloorDiv => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.floor_div(b),
        ),
        Binary::Mod => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.modulo(b),
        ),
        Binary::Atan2 => unreachable!("atan2 of {x:?}"),
    }
}

/// `out = x^y` on floats. A block of one exponent that a product, a quotient or a root is faster for
/// takes that: `Float::pow` gives the same bits.
pub fn power<T: Float>(x: &[T], y: &[T], out: &mut [T]) {
    let exponent = y.first().filter(|e| y.iter().all(|v| v == *e));
    match exponent.map(|e| e.to_f64()) {
        Some(1.0) => out.copy_from_slice(x),
        Some(2.0) => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v * v,
        ),
        Some(0.5) => map1(
            x,
            out,
            #[inline(always)]
            |v: T| {
                if v == T::NEG_INFINITY || v == T::ZERO {
                    v.abs()
                } else {
                    v.sqrt()
                }
            },
        ),
        Some(-1.0) => map1(
            x,
            out,
            #[inline(always)]
            |v: T| v.reciprocal(),
        ),
        _ => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| a.pow(b),
        ),
    }
}

/// `out = atan2(y, x)`.
pub fn atan2<T: Float>(y: &[T], x: &[T], out: &mut [T]) {
    map2(
        y,
        x,
        out,
        #[inline(always)]
        |a: T, b: T| a.atan2(b),
    );
}

/// `out = x <cmp> y`, 0 or 1.
pub fn compare<T: Number>(f: Compare, x: &[T], y: &[T], out: &mut [u8]) {
    match f {
        Compare::Eq => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| (a == b) as u8,
        ),
        Compare::Ne => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| (a != b) as u8,
        ),
        Compare::Lt => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| (a < b) as u8,
        ),
        Compare::Le => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| (a <= b) as u8,
        ),
        Compare::Gt => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| (a > b) as u8,
        ),
        Compare::Ge => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: T, b: T| (a >= b) as u8,
        ),
    }
}

/// `out = f(x, y)` on bools; `logical_not` reads `x` only.
pub fn logical(f: Logical, x: &[u8], y: &[u8], out: &mut [u8]) {
    match f {
        Logical::Not => map1(
            x,
            out,
            #[inline(always)]
            |a: u8| a ^ 1,
        ),
        Logical::And => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: u8, b: u8| a & b,
        ),
        Logical::Or => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: u8, b: u8| a | b,
        ),
        Logical::Xor => map2(
            x,
            y,
            out,
            #[inline(always)]
            |a: u8, b: u8| a ^ b,
        ),
    }
}

struct SelectKernel<'a, T> {
    cond: &'a [u8],
    a: &'a [T],
    b: &'a [T],
    out: &'a mut [T],
}

impl<T: Copy> Kernel for SelectKernel<'_, T> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let n = self.out.len();
        let (cond, a, b) = (&self.cond[..n], &self.a[..n], &self.b[..n]);
        for i in 0..n {
            let (x, y) = (a[i], b[i]);
            self.out[i] = if cond[i] != 0 { x } else { y };
        }
    }
}

/// `out = cond ? a : b`.
pub fn select<T: Copy>(cond: &[u8], a: &[T], b: &[T], out: &mut [T]) {
    dispatch(SelectKernel { cond, a, b, out });
}

/// `out = x` in another dtype: floats truncate towards zero and saturate, NaN becomes 0.
pub fn cast<A: Number, B: CastFrom<A>>(x: &[A], out: &mut [B]) {
    map1(
        x,
        out,
        #[inline(always)]
        |v: A| B::cast_from(v),
    );
}

/// `out = x != 0`.
pub fn to_bool<A: Number>(x: &[A], out: &mut [u8]) {
    map1(
        x,
        out,
        #[inline(always)]
        |v: A| (v != A::ZERO) as u8,
    );
}

/// Rust's `as` as a trait.
pub trait CastFrom<A>: Copy {
    fn cast_from(value: A) -> Self;
}

macro_rules! casts {
    ($($a:ty),* ; $b:tt) => { $(casts!(@ $a; $b);)* };
    (@ $a:ty; [$($b:ty),*]) => {$(
        impl CastFrom<$a> for $b {
            #[inline(always)]
            fn cast_from(value: $a) -> Self { value as $b }
        }
    )*};
}
casts!(f32, f64, i32, i64, u8, u32; [f32, f64, i32, i64, u8, u32]);
