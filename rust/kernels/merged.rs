//! Two element-wise instructions in one loop, each rounded as if it ran alone.

use super::float::Float;
use super::isa::{dispatch, Loop};
use super::map::{map2, Binary, Compare};
use super::number::Number;

/// What becomes of the result `v` of a first instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// `v + c`
    Add,
    /// `v - c`
    Sub,
    /// `c - v`
    From,
    /// `v * c`
    Mul,
    /// `max(v, 0)`
    Relu,
}

struct Map3<'a, T, F>([&'a [T]; 3], &'a mut [T], F);

impl<T: Copy, F: Fn(T, T, T) -> T> Loop for Map3<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Map3([a, b, c], out, f) = self;
        let n = out.len();
        let (a, b, c) = (&a[..n], &b[..n], &c[..n]);
        for i in 0..n {
            out[i] = f(a[i], b[i], c[i]);
        }
    }
}

/// `out = then(f(a, b), c)`, `f` one of add, sub and mul; `c` is not read by [`Then::Relu`].
pub fn pair<T: Float + Number>(f: Binary, then: Then, [a, b, c]: [&[T]; 3], out: &mut [T]) {
    macro_rules! second {
        ($x:ident, $y:ident, $v:expr) => {
            match then {
                Then::Add => dispatch(Map3(
                    [a, b, c],
                    out,
                    #[inline(always)]
                    |$x: T, $y: T, z: T| $v + z,
                )),
                Then::Sub => dispatch(Map3(
                    [a, b, c],
                    out,
                    #[inline(always)]
                    |$x: T, $y: T, z: T| $v - z,
                )),
                Then::From => dispatch(Map3(
                    [a, b, c],
                    out,
                    #[inline(always)]
                    |$x: T, $y: T, z: T| z - $v,
                )),
                Then::Mul => dispatch(Map3(
                    [a, b, c],
                    out,
                    #[inline(always)]
                    |$x: T, $y: T, z: T| $v * z,
                )),
                Then::Relu => map2(
                    a,
                    b,
                    out,
                    #[inline(always)]
                    |$x: T, $y: T| Number::maximum($v, <T as Number>::ZERO),
                ),
            }
        };
    }
    match f {
        Binary::Add => second!(x, y, x + y),
        Binary::Sub => second!(x, y, x - y),
        Binary::Mul => second!(x, y, x * y),
        other => unreachable!("{other:?} is not merged"),
    }
}

struct Choose<'a, T, F>([&'a [T]; 4], &'a mut [T], F);

impl<T: Copy, F: Fn(T, T) -> bool> Loop for Choose<'_, T, F> {
    type Out = ();
    #[inline(always)]
    fn run(self) {
        let Choose([a, b, c, d], out, f) = self;
        let n = out.len();
        let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
        for i in 0..n {
            let (x, y) = (c[i], d[i]);
            out[i] = if f(a[i], b[i]) { x } else { y };
        }
    }
}

/// `out = a <cmp> b ? c : d`.
pub fn choose<T: Float>(f: Compare, operands: [&[T]; 4], out: &mut [T]) {
    macro_rules! go {
        ($f:expr) => {
            dispatch(Choose(
                operands,
                out,
                #[inline(always)]
                $f,
            ))
        };
    }
    match f {
        Compare::Eq => go!(|x: T, y: T| x == y),
        Compare::Ne => go!(|x: T, y: T| x != y),
        Compare::Lt => go!(|x: T, y: T| x < y),
        Compare::Le => go!(|x: T, y: T| x <= y),
        Compare::Gt => go!(|x: T, y: T| x > y),
        Compare::Ge => go!(|x: T, y: T| x >= y),
    }
}
