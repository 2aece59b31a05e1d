"""Functions of one number, applied to every element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.config import floatx
from chainrule.dispatch import apply, constant, operation
from chainrule.dtypes import is_float_dtype, standardize_dtype
from chainrule.ops._common import (
    as_dtype,
    as_float,
    as_tensor,
    binary,
    is_traced,
    promote_float,
    unary,
)

__all__ = [
    "abs", "absolute", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh",
    "cbrt", "ceil", "clip", "conj", "conjugate", "copy", "cos", "cosh", "deg2rad", "exp", "exp2",
    "expm1", "fabs", "floor", "imag", "isfinite", "isinf", "isnan", "isneginf", "isposinf",
    "isreal", "log", "log10", "log1p", "log2", "logical_not", "nan_to_num", "negative", "rad2deg",
    "real", "reciprocal", "round", "rsqrt", "sign", "signbit", "sin", "sinc", "sinh", "sqrt",
    "square", "tan", "tanh", "trunc",
]  # fmt: skip


def _float_function(name: str, function: str, text: str, example: str) -> Callable[[Any], Any]:
    """A public op that casts integers to `floatx()` and applies a function of the core."""

    def op(x: Any) -> Any:
        return unary(function, as_float(x))

    op.__name__ = op.__qualname__ = name
    op.__doc__ = f"""{text}

    Integers and booleans are cast to `floatx()` first; the shape stays.

    Examples
    --------
    >>> {example}
    """
    decorated: Callable[[Any], Any] = operation(op)
    return decorated


def _example(call: str, result: str) -> str:
    return f'f"{{float({call}):.4f}}"\n    \'{float(result):.4f}\''


exp = _float_function("exp", "exp", "exp(x); derivative exp(x).", _example("exp(1.0)", "2.7183"))
expm1 = _float_function(
    "expm1", "expm1", "exp(x) - 1, exact near 0; derivative exp(x).",
    _example("expm1(1.0)", "1.7183"),
)  # fmt: skip
log = _float_function("log", "log", "ln(x); derivative 1/x.", _example("log(2.0)", "0.6931"))
log1p = _float_function(
    "log1p", "log1p", "ln(1 + x), exact near 0; derivative 1/(1 + x).",
    _example("log1p(1.0)", "0.6931"),
)  # fmt: skip
sqrt = _float_function(
    "sqrt", "sqrt", "The square root; derivative 1/(2 sqrt(x)).", _example("sqrt(2.0)", "1.4142")
)
rsqrt = _float_function(
    "rsqrt", "rsqrt", "1/sqrt(x); derivative -x^(-3/2)/2.", _example("rsqrt(4.0)", "0.5")
)
sin = _float_function("sin", "sin", "sin(x); derivative cos(x).", _example("sin(1.0)", "0.8415"))
cos = _float_function("cos", "cos", "cos(x); derivative -sin(x).", _example("cos(1.0)", "0.5403"))
tan = _float_function(
    "tan", "tan", "tan(x); derivative 1 + tan(x)^2.", _example("tan(1.0)", "1.5574")
)
arcsin = _float_function(
    "arcsin", "asin", "The inverse of sin on [-1, 1]; derivative 1/sqrt(1 - x^2).",
    _example("arcsin(1.0)", "1.5708"),
)  # fmt: skip
arccos = _float_function(
    "arccos", "acos", "The inverse of cos on [-1, 1]; derivative -1/sqrt(1 - x^2).",
    _example("arccos(0.0)", "1.5708"),
)  # fmt: skip
arctan = _float_function(
    "arctan", "atan", "The inverse of tan; derivative 1/(1 + x^2).",
    _example("arctan(1.0)", "0.7854"),
)  # fmt: skip
sinh = _float_function(
    "sinh", "sinh", "(exp(x) - exp(-x))/2; derivative cosh(x).", _example("sinh(1.0)", "1.1752")
)
cosh = _float_function(
    "cosh", "cosh", "(exp(x) + exp(-x))/2; derivative sinh(x).", _example("cosh(1.0)", "1.5431")
)
tanh = _float_function(
    "tanh", "tanh", "sinh(x)/cosh(x); derivative 1 - tanh(x)^2.", _example("tanh(1.0)", "0.7616")
)
arcsinh = _float_function(
    "arcsinh", "asinh", "The inverse of sinh; derivative 1/sqrt(x^2 + 1).",
    _example("arcsinh(1.0)", "0.8814"),
)  # fmt: skip
arccosh = _float_function(
    "arccosh", "acosh", "The inverse of cosh from 1 up; derivative 1/sqrt(x^2 - 1).",
    _example("arccosh(2.0)", "1.317"),
)  # fmt: skip
arctanh = _float_function(
    "arctanh", "atanh", "The inverse of tanh on (-1, 1); derivative 1/(1 - x^2).",
    _example("arctanh(0.5)", "0.5493"),
)  # fmt: skip
ceil = _float_function(
    "ceil", "ceil", "The least integer not below x, as a float; derivative 0.",
    _example("ceil(1.2)", "2.0"),
)  # fmt: skip
floor = _float_function(
    "floor", "floor", "The greatest integer not above x, as a float; derivative 0.",
    _example("floor(-1.2)", "-2.0"),
)  # fmt: skip


def _scaled_log(x: Any, base: float) -> Any:
    x = unary("log", as_float(x))
    return binary("mul", x, as_dtype(1.0 / np.log(base), standardize_dtype(x.dtype)))


@operation
def log2(x: Any) -> Any:
    """The logarithm to base 2.

    Examples
    --------
    >>> f"{float(log2(8.0)):.4f}"
    '3.0000'
    """
    return _scaled_log(x, 2.0)


@operation
def log10(x: Any) -> Any:
    """The logarithm to base 10.

    Examples
    --------
    >>> f"{float(log10(1000.0)):.4f}"
    '3.0000'
    """
    return _scaled_log(x, 10.0)


@operation
def exp2(x: Any) -> Any:
    """2^x; derivative ln(2) 2^x.

    Examples
    --------
    >>> f"{float(exp2(3.0)):.4f}"
    '8.0000'
    """
    x = as_float(x)
    return binary("pow", as_dtype(2.0, standardize_dtype(x.dtype)), x)


@operation
def cbrt(x: Any) -> Any:
    """The real cube root, sign(x) |x|^(1/3).

    Examples
    --------
    >>> f"{float(cbrt(-8.0)):.4f}"
    '-2.0000'
    """
    if standardize_dtype(as_tensor(x).dtype) == "int64":
        x = as_dtype(x, "float64")
    x = as_float(x)
    third = as_dtype(1.0 / 3.0, standardize_dtype(x.dtype))
    return binary("mul", unary("sign", x), binary("pow", unary("abs", x), third))


@operation
def absolute(x: Any) -> Any:
    """|x|; derivative sign(x), 0 at 0.

    Examples
    --------
    >>> absolute([-2, 3]).tolist()
    [2, 3]
    """
    x = as_tensor(x)
    unsigned = standardize_dtype(x.dtype) in ("bool", "uint8", "uint16", "uint32", "uint64")
    return x if unsigned else unary("abs", x)


@operation
def abs(x: Any) -> Any:
    """|x|, as `absolute`.

    Examples
    --------
    >>> abs([-2, 3]).tolist()
    [2, 3]
    """
    return absolute(x)


@operation
def fabs(x: Any) -> Any:
    """|x| as a float.

    Examples
    --------
    >>> fabs([-2, 3]).tolist()
    [2.0, 3.0]
    """
    return unary("abs", as_float(x))


@operation
def negative(x: Any) -> Any:
    """-x.

    Examples
    --------
    >>> negative([1, -2]).tolist()
    [-1, 2]
    """
    x = as_tensor(x)
    if standardize_dtype(x.dtype).startswith("uint"):
        return binary("sub", as_dtype(0, standardize_dtype(x.dtype)), x)
    return unary("neg", x)


@operation
def square(x: Any) -> Any:
    """x^2; derivative 2x. Booleans become int32.

    Examples
    --------
    >>> square([3.0]).tolist()
    [9.0]
    """
    x = as_tensor(x)
    return unary("square", as_dtype(x, "int32") if standardize_dtype(x.dtype) == "bool" else x)


@operation
def reciprocal(x: Any) -> Any:
    """1/x; derivative -1/x^2.

    Examples
    --------
    >>> reciprocal([4.0]).tolist()
    [0.25]
    """
    return unary("reciprocal", as_float(x))


@operation
def sign(x: Any) -> Any:
    """-1, 0 or 1 by the sign of x; derivative 0.

    Examples
    --------
    >>> sign([-3, 0, 5]).tolist()
    [-1, 0, 1]
    """
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    if dtype == "bool":
        return x
    if dtype.startswith("uint"):
        return as_dtype(as_dtype(x, "bool"), dtype)
    return unary("sign", x)


@operation
def signbit(x: Any) -> Any:
    """Whether x is negative, -0.0 included.

    Examples
    --------
    >>> signbit([-1.0, -0.0, 0.0]).tolist()
    [True, True, False]
    """
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    zero = as_dtype(0, dtype) if dtype != "bool" else np.asarray(False)
    if not is_float_dtype(dtype):
        return np.zeros(x.shape, "bool") if dtype == "bool" else binary("lt", x, zero)
    below = binary("lt", x, zero)
    negative_zero = binary("lt", unary("reciprocal", x), zero)
    return binary("logical_or", below, negative_zero)


@operation
def round(x: Any, decimals: int = 0) -> Any:
    """x rounded to `decimals` places, halves to the even digit; derivative 0.

    Examples
    --------
    >>> round([0.5, 1.5, 2.5]).tolist(), round([1.234], 1).tolist()
    ([0.0, 2.0, 2.0], [1.2000000476837158])
    """
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    if dtype == "bool":
        return as_dtype(as_dtype(x, floatx()), floatx())
    if decimals == 0:
        return unary("round", x)
    if not is_float_dtype(dtype):
        if decimals > 0:
            return x
        scaled = round(binary("div", as_dtype(x, "float64"), as_dtype(10.0**-decimals, "float64")))
        return as_dtype(binary("mul", scaled, as_dtype(10.0**-decimals, "float64")), dtype)
    factor = as_dtype(10.0 ** max(decimals, -decimals), dtype)
    there, back = ("mul", "div") if decimals > 0 else ("div", "mul")
    return binary(back, unary("round", binary(there, x, factor)), factor)


@operation
def trunc(x: Any) -> Any:
    """x cut towards zero; integers stay; derivative 0.

    Examples
    --------
    >>> trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    x = as_tensor(x)
    return unary("trunc", x) if is_float_dtype(x.dtype) else x


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """min(max(x, x_min), x_max); derivative 1 inside, 0 outside.

    Examples
    --------
    >>> clip([-1.0, 0.5, 2.0], 0.0, 1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    if dtype == "bool":
        dtype = "int32"
    x = as_dtype(x, dtype)
    if x_min is not None:
        x = binary("maximum", x, as_dtype(x_min, dtype))
    if x_max is not None:
        x = binary("minimum", x, as_dtype(x_max, dtype))
    return x


@operation
def copy(x: Any) -> Any:
    """A tensor with the same numbers that shares no memory with x.

    Examples
    --------
    >>> copy([1.0]).tolist()
    [1.0]
    """
    x = as_tensor(x)
    return x if is_traced(x) else np.array(x)


@operation
def isnan(x: Any) -> Any:
    """Where x is not a number.

    Examples
    --------
    >>> isnan([1.0, float("nan")]).tolist()
    [False, True]
    """
    return unary("is_nan", as_float(x))


@operation
def isinf(x: Any) -> Any:
    """Where x is plus or minus infinity.

    Examples
    --------
    >>> isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    return unary("is_inf", as_float(x))


@operation
def isfinite(x: Any) -> Any:
    """Where x is a finite number.

    Examples
    --------
    >>> isfinite([1.0, float("nan")]).tolist()
    [True, False]
    """
    return unary("is_finite", as_float(x))


@operation
def isposinf(x: Any) -> Any:
    """Where x is plus infinity.

    Examples
    --------
    >>> isposinf([float("inf"), float("-inf")]).tolist()
    [True, False]
    """
    x = as_float(x)
    return binary("eq", x, as_dtype(np.inf, standardize_dtype(x.dtype)))


@operation
def isneginf(x: Any) -> Any:
    """Where x is minus infinity.

    Examples
    --------
    >>> isneginf([float("inf"), float("-inf")]).tolist()
    [False, True]
    """
    x = as_float(x)
    return binary("eq", x, as_dtype(-np.inf, standardize_dtype(x.dtype)))


@operation
def isreal(x: Any) -> Any:
    """True everywhere: there are no complex tensors.

    Examples
    --------
    >>> isreal([1.0]).tolist()
    [True]
    """
    return np.ones(as_tensor(x).shape, "bool")


@operation
def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """x with NaN and the infinities replaced; by default by 0 and the dtype's largest numbers.

    Examples
    --------
    >>> nan_to_num([1.0, float("nan"), float("inf")], posinf=9.0).tolist()
    [1.0, 0.0, 9.0]
    """
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    if not is_float_dtype(dtype):
        return x
    limit = 3.3895313892515355e38 if dtype == "bfloat16" else float(np.finfo(dtype).max)
    for function, replacement in (
        (isnan, nan),
        (isposinf, limit if posinf is None else posinf),
        (isneginf, -limit if neginf is None else neginf),
    ):
        x = apply("select", {}, [function(x), as_dtype(replacement, dtype), x])
    return x


@operation
def logical_not(x: Any) -> Any:
    """Not x; numbers count as True unless 0.

    Examples
    --------
    >>> logical_not([True, False]).tolist()
    [False, True]
    """
    return unary("logical_not", as_dtype(x, "bool"))


@operation
def deg2rad(x: Any) -> Any:
    """x * pi/180.

    Examples
    --------
    >>> f"{float(deg2rad(180.0)):.4f}"
    '3.1416'
    """
    x = as_float(x)
    return binary("mul", x, as_dtype(np.pi / 180.0, standardize_dtype(x.dtype)))


@operation
def rad2deg(x: Any) -> Any:
    """x * 180/pi.

    Examples
    --------
    >>> rad2deg(0.0).item()
    0.0
    """
    x = as_float(x)
    return binary("mul", x, as_dtype(180.0 / np.pi, standardize_dtype(x.dtype)))


@operation
def sinc(x: Any) -> Any:
    """sin(pi x)/(pi x), 1 at 0.

    Examples
    --------
    >>> sinc([0.0]).tolist()
    [1.0]
    """
    x = as_float(x)
    dtype = standardize_dtype(x.dtype)
    y = binary("mul", x, as_dtype(np.pi, dtype))
    zero = binary("eq", y, as_dtype(0.0, dtype))
    safe = apply("select", {}, [zero, as_dtype(1.0, dtype), y])
    return apply("select", {}, [zero, as_dtype(1.0, dtype), binary("div", unary("sin", safe), safe)])


@operation
def real(x: Any) -> Any:
    """x itself: there are no complex tensors.

    Examples
    --------
    >>> real([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@operation
def imag(x: Any) -> Any:
    """Zeros: there are no complex tensors.

    Examples
    --------
    >>> imag([1.0]).tolist()
    [0.0]
    """
    x = as_tensor(x)
    return np.zeros(x.shape, constant(x).dtype)


@operation
def conjugate(x: Any) -> Any:
    """x itself: there are no complex tensors.

    Examples
    --------
    >>> conjugate([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@operation
def conj(x: Any) -> Any:
    """x itself, as `conjugate`.

    Examples
    --------
    >>> conj([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@operation
def angle(x: Any) -> Any:
    """pi for negative numbers, else 0.

    Examples
    --------
    >>> angle([1.0]).tolist()
    [0.0]
    """
    (x,) = promote_float(x)
    dtype = standardize_dtype(x.dtype)
    negative_x = binary("lt", x, as_dtype(0.0, dtype))
    return apply("select", {}, [negative_x, as_dtype(np.pi, dtype), as_dtype(0.0, dtype)])
