//! Element-wise instructions on contiguous slices: the tables of functions that `ops/unary.rs` and
//! `ops/binary.rs` name, and their loops.

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::merged::Then;
use super::narrow::Format;
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
    /// To a number of this format.
    Narrow(Format),
    /// `x` kept and scaled, or zero, by the seed of the second operand.
    Dropout {
        rate: f64,
    },
    /// Two functions of numbers, the second of the first's result: what programs make of two steps.
    Pair(Binary, Then),
    /// `a <cmp> b ? c : d`: what programs make of two steps.
    Choose(Compare),
}

impl Instr {
    /// Whether the operand is read whole rather than element by element: a seed.
    pub fn reads_whole(self, operand: usize) -> bool {
        matches!(self, Instr::Dropout { .. }) && operand == 1
    }
}

/// The enum of a table of functions, and their names over the border.
macro_rules! names {
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

/// A table of functions of one float: names, formulas, and those of integers where there are any.
macro_rules! unary {
    ($v:ident { $($variant:ident = $text:literal => $float:expr $(, integers $int:expr)?;)* }) => {
        names! {
            /// Functions of one number.
            Unary { $($variant = $text),* }
        }

        impl Unary {
            /// Whether the function takes integers too.
            pub fn on_integers(self) -> bool {
                match self { $(Unary::$variant => unary!(@given $($int)?)),* }
            }
        }

        /// `out = f(x)` on floats.
        pub fn unary_float<T: Float + Number>(f: Unary, x: &[T], out: &mut [T]) {
            match f { $(Unary::$variant => map1(x, out, #[inline(always)] |$v: T| $float)),* }
        }

        /// `out = f(x)` on integers; only the functions of [`Unary::on_integers`].
        pub fn unary_int<T: Number>(f: Unary, x: &[T], out: &mut [T]) {
            match f {
                $($(Unary::$variant => map1(x, out, #[inline(always)] |$v: T| $int),)?)*
                other => unreachable!("{other:?} of integers"),
            }
        }
    };
    (@given) => { false };
    (@given $int:expr) => { true };
}

/// A table of functions of two operands: names, formulas, and the loop.
macro_rules! binary {
    (
        $(#[$doc:meta])*
        $name:ident, $loop:ident<$t:ident: $($bound:path),*> to $out:ty, $a:ident $b:ident
        { $($variant:ident = $text:literal => $body:expr;)* }
    ) => {
        names! { $(#[$doc])* $name { $($variant = $text),* } }

        /// `out = f(x, y)`.
        pub fn $loop<$t: $($bound +)*>(f: $name, x: &[$t], y: &[$t], out: &mut [$out]) {
            match f {
                $($name::$variant => map2(x, y, out, #[inline(always)] |$a: $t, $b: $t| $body)),*
            }
        }
    };
}

unary! {
    v {
        Neg = "neg" => Number::neg(v), integers v.neg();
        Abs = "abs" => Number::abs(v), integers v.abs();
        Sign = "sign" => Number::sign(v), integers v.sign();
        Square = "square" => Number::mul(v, v), integers v.mul(v);
        Relu = "relu" => Number::maximum(v, <T as Number>::ZERO), integers v.maximum(T::ZERO);
        Floor = "floor" => v.floor(), integers v;
        Ceil = "ceil" => v.ceil(), integers v;
        Round = "round" => v.round_even(), integers v;
        Trunc = "trunc" => v.trunc(), integers v;
        Exp = "exp" => v.exp();
        Expm1 = "expm1" => v.expm1();
        Log = "log" => v.log();
        Log1p = "log1p" => v.log1p();
        Sqrt = "sqrt" => v.sqrt();
        Rsqrt = "rsqrt" => v.rsqrt();
        Reciprocal = "reciprocal" => v.reciprocal();
        Sin = "sin" => v.sin();
        Cos = "cos" => v.cos();
        Tan = "tan" => v.tan();
        Asin = "asin" => v.asin();
        Acos = "acos" => v.acos();
        Atan = "atan" => v.atan();
        Sinh = "sinh" => v.sinh();
        Cosh = "cosh" => v.cosh();
        Tanh = "tanh" => v.tanh();
        Asinh = "asinh" => v.asinh();
        Acosh = "acosh" => v.acosh();
        Atanh = "atanh" => v.atanh();
        Sigmoid = "sigmoid" => v.sigmoid();
        LogSigmoid = "log_sigmoid" => v.log_sigmoid();
        Softplus = "softplus" => v.softplus();
        Silu = "silu" => v.silu();
        Gelu = "gelu" => v.gelu();
        GeluSlope = "gelu_slope" => v.gelu_slope();
        Erf = "erf" => v.erf();
        Erfinv = "erfinv" => v.erfinv();
        Lgamma = "lgamma" => v.lgamma();
        Digamma = "digamma" => v.digamma();
    }
}

binary! {
    /// Functions of two numbers of one dtype. `atan2` and `next_after` of integers, and bits of floats, are
    /// refused before.
    Binary, binary<T: Number, Element> to T, a b {
        Add = "add" => a.add(b);
        Sub = "sub" => a.sub(b);
        Mul = "mul" => a.mul(b);
        Div = "div" => a.div(b);
        Pow = "pow" => a.pow(b);
        Maximum = "maximum" => a.maximum(b);
        Minimum = "minimum" => a.minimum(b);
        Atan2 = "atan2" => unreachable!("{a:?} by {b:?}: floats run in `atan2`");
        FloorDiv = "floor_div" => a.floor_div(b);
        Mod = "mod" => a.modulo(b);
        BitAnd = "bit_and" => a.bit_and(b);
        BitOr = "bit_or" => a.bit_or(b);
        BitXor = "bit_xor" => a.bit_xor(b);
        LeftShift = "left_shift" => a.left_shift(b);
        RightShift = "right_shift" => a.right_shift(b);
        Gcd = "gcd" => a.gcd(b);
        Lcm = "lcm" => a.lcm(b);
        NextAfter = "next_after" => a.next_after(b);
    }
}

impl Binary {
    /// Whether the function takes integers too.
    pub fn on_integers(self) -> bool {
        !matches!(self, Binary::Div | Binary::Atan2 | Binary::NextAfter)
    }

    /// Whether the function takes floats.
    pub fn on_floats(self) -> bool {
        use Binary::*;
        !matches!(
            self,
            BitAnd | BitOr | BitXor | LeftShift | RightShift | Gcd | Lcm
        )
    }
}

binary! {
    /// Comparisons of two numbers of one dtype, answered in bool.
    Compare, compare<T: Number> to u8, a b {
        Eq = "eq" => (a == b) as u8;
        Ne = "ne" => (a != b) as u8;
        Lt = "lt" => (a < b) as u8;
        Le = "le" => (a <= b) as u8;
        Gt = "gt" => (a > b) as u8;
        Ge = "ge" => (a >= b) as u8;
    }
}

names! {
    /// Questions to one number, answered in bool.
    Test { IsNan = "is_nan", IsInf = "is_inf", IsFinite = "is_finite" }
}

names! {
    /// Functions of bools.
    Logical { Not = "logical_not", And = "logical_and", Or = "logical_or", Xor = "logical_xor" }
}

struct Map1<'a, A, B, F> {
    x: &'a [A],
    out: &'a mut [B],
    f: F,
}

impl<A: Copy, B, F: Fn(A) -> B> Loop for Map1<'_, A, B, F> {
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

impl<A: Copy, B, F: Fn(A, A) -> B> Loop for Map2<'_, A, B, F> {
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

impl<T: Copy, F: Fn(T, T) -> T> Loop for Update<'_, T, F> {
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

/// Calls `map1` or `map2` with a closure that is inlined into every loop.
macro_rules! loop_of {
    ($x:ident, $out:ident, |$v:ident: $t:ty| $body:expr) => {
        map1(
            $x,
            $out,
            #[inline(always)]
            |$v: $t| $body,
        )
    };
    ($x:ident, $y:ident, $out:ident, |$a:ident, $b:ident: $t:ty| $body:expr) => {
        map2(
            $x,
            $y,
            $out,
            #[inline(always)]
            |$a: $t, $b: $t| $body,
        )
    };
}

/// `out = f(x)`, 0 or 1.
pub fn test<T: Float + Number>(f: Test, x: &[T], out: &mut [u8]) {
    match f {
        Test::IsNan => loop_of!(x, out, |v: T| v.is_nan() as u8),
        Test::IsInf => loop_of!(x, out, |v: T| (Number::abs(v) == T::INFINITY) as u8),
        Test::IsFinite => loop_of!(x, out, |v: T| (Number::abs(v) < T::INFINITY) as u8),
    }
}

/// `out = f(x, y)` on bools; `logical_not` reads `x` only.
pub fn logical(f: Logical, x: &[u8], y: &[u8], out: &mut [u8]) {
    match f {
        Logical::Not => loop_of!(x, out, |a: u8| a ^ 1),
        Logical::And => loop_of!(x, y, out, |a, b: u8| a & b),
        Logical::Or => loop_of!(x, y, out, |a, b: u8| a | b),
        Logical::Xor => loop_of!(x, y, out, |a, b: u8| a ^ b),
    }
}

/// `v^0.5`, which is not the root at `-0` and at minus infinity.
#[inline(always)]
fn root<T: Float>(v: T) -> T {
    match v == T::NEG_INFINITY || v == T::ZERO {
        true => v.abs(),
        false => v.sqrt(),
    }
}

/// `out = x^y` on floats. A block of one exponent that a product, a quotient or a root is faster for
/// takes that: `Float::pow` gives the same bits.
pub fn power<T: Float>(x: &[T], y: &[T], out: &mut [T]) {
    let exponent = y.first().filter(|e| y.iter().all(|v| v == *e));
    match exponent.map(|e| e.to_f64()) {
        Some(1.0) => out.copy_from_slice(x),
        Some(2.0) => loop_of!(x, out, |v: T| v * v),
        Some(0.5) => loop_of!(x, out, |v: T| root(v)),
        Some(-1.0) => loop_of!(x, out, |v: T| v.reciprocal()),
        _ => loop_of!(x, y, out, |a, b: T| a.pow(b)),
    }
}

/// `out = atan2(y, x)`.
pub fn atan2<T: Float>(y: &[T], x: &[T], out: &mut [T]) {
    loop_of!(y, x, out, |a, b: T| a.atan2(b));
}

struct SelectKernel<'a, T> {
    cond: &'a [u8],
    a: &'a [T],
    b: &'a [T],
    out: &'a mut [T],
}

impl<T: Copy> Loop for SelectKernel<'_, T> {
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
    loop_of!(x, out, |v: A| B::cast_from(v));
}

/// `out = x != 0`.
pub fn to_bool<A: Number>(x: &[A], out: &mut [u8]) {
    loop_of!(x, out, |v: A| (v != A::ZERO) as u8);
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
casts!(f32, f64, i32, i64, u8, u32, u64; [f32, f64, i32, i64, u8, u32, u64]);
