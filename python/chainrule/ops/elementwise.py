"""Functions of one number, applied to every element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.ops._common import binary, unary
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "abs", "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt",
    "ceil", "cos", "cosh", "deg2rad", "exp", "exp2", "expm1", "fabs", "floor", "log", "log10",
    "log1p", "log2", "negative", "rad2deg", "reciprocal", "rsqrt", "sin", "sinc", "sinh",
    "sqrt", "square", "tan", "tanh",
]  # fmt: skip


_SINC_SERIES = 0.1


def _float_function(name: str, function: str, text: str, example: str) -> Callable[[Any], Any]:
    """A public op that casts integers to `floatx()` and applies a function of the core."""

    def op(x: Any) -> Any:
        return unary(function, as_float(x))

    op.__name__ = op.__qualname__ = name
    source = f"NumPy's `np.{name}`" if hasattr(np, name) else f"`jax.lax.{name}`"
    op.__doc__ = f"""{text}

    As {source}.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

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
log = _float_function(
    "log", "log", "ln(x), NaN below 0; derivative 1/x.", _example("log(2.0)", "0.6931")
)
log1p = _float_function(
    "log1p", "log1p", "ln(1 + x), exact near 0, NaN below -1; derivative 1/(1 + x).",
    _example("log1p(1.0)", "0.6931"),
)  # fmt: skip
sqrt = _float_function(
    "sqrt", "sqrt", "The square root, NaN below 0; derivative 1/(2 sqrt(x)).",
    _example("sqrt(2.0)", "1.4142"),
)  # fmt: skip
rsqrt = _float_function(
    "rsqrt", "rsqrt", "1/sqrt(x), NaN below 0; derivative -x^(-3/2)/2.",
    _example("rsqrt(4.0)", "0.5"),
)  # fmt: skip
sin = _float_function(
    "sin", "sin", "sin(x) of radians; derivative cos(x).", _example("sin(1.0)", "0.8415")
)
cos = _float_function(
    "cos", "cos", "cos(x) of radians; derivative -sin(x).", _example("cos(1.0)", "0.5403")
)
tan = _float_function(
    "tan", "tan", "tan(x) of radians; derivative 1 + tan(x)^2.", _example("tan(1.0)", "1.5574")
)
arcsin = _float_function(
    "arcsin", "asin",
    "The inverse of sin on [-1, 1], in radians, else NaN; derivative 1/sqrt(1 - x^2).",
    _example("arcsin(1.0)", "1.5708"),
)  # fmt: skip
arccos = _float_function(
    "arccos", "acos",
    "The inverse of cos on [-1, 1], in radians, else NaN; derivative -1/sqrt(1 - x^2).",
    _example("arccos(0.0)", "1.5708"),
)  # fmt: skip
arctan = _float_function(
    "arctan", "atan", "The inverse of tan, in radians; derivative 1/(1 + x^2).",
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
    "arccosh", "acosh", "The inverse of cosh from 1 up, else NaN; derivative 1/sqrt(x^2 - 1).",
    _example("arccosh(2.0)", "1.317"),
)  # fmt: skip
arctanh = _float_function(
    "arctanh", "atanh", "The inverse of tanh on (-1, 1), NaN beyond; derivative 1/(1 - x^2).",
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
    """The logarithm to base 2, NaN below 0, as NumPy's `np.log2`; derivative 1/(x ln 2).

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(log2(8.0)):.4f}"
    '3.0000'
    """
    return _scaled_log(x, 2.0)


@operation
def log10(x: Any) -> Any:
    """The logarithm to base 10, NaN below 0, as NumPy's `np.log10`; derivative 1/(x ln 10).

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(log10(1000.0)):.4f}"
    '3.0000'
    """
    return _scaled_log(x, 10.0)


@operation
def exp2(x: Any) -> Any:
    """2^x, as NumPy's `np.exp2`; derivative ln(2) 2^x.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(exp2(3.0)):.4f}"
    '8.0000'
    """
    x = as_float(x)
    return binary("pow", as_dtype(2.0, standardize_dtype(x.dtype)), x)


@operation
def cbrt(x: Any) -> Any:
    """The real cube root, sign(x) |x|^(1/3), as NumPy's `np.cbrt`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`, int64 to float64.

    Returns
    -------
    tensor
        The shape of x, in its float dtype (float64 for int64).

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(cbrt(-8.0)):.4f}"
    '-2.0000'
    """
    if standardize_dtype(as_tensor(x).dtype) == "int64":
        x = as_dtype(x, "float64")
    x = as_float(x)
    third = as_dtype(1.0 / 3.0, standardize_dtype(x.dtype))
    below = binary("lt", x, as_dtype(0.0, standardize_dtype(x.dtype)))
    size = binary("pow", apply("select", {}, [below, unary("neg", x), x]), third)
    return apply("select", {}, [below, unary("neg", size), size])


@operation
def absolute(x: Any) -> Any:
    """|x|, as NumPy's `np.absolute`; derivative sign(x), 0 at 0.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

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
    """|x|, as NumPy's `np.abs`; the same as `absolute`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> abs([-2, 3]).tolist()
    [2, 3]
    """
    return absolute(x)


@operation
def fabs(x: Any) -> Any:
    """|x| as a float, as NumPy's `np.fabs`; derivative sign(x), 0 at 0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> fabs([-2, 3]).tolist()
    [2.0, 3.0]
    """
    return unary("abs", as_float(x))


@operation
def negative(x: Any) -> Any:
    """-x, as NumPy's `np.negative`. Unsigned integers wrap around.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    DTypeError
        `x` holds booleans, or no numbers.

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
    """x^2, as NumPy's `np.square`; derivative 2x.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become int32.

    Returns
    -------
    tensor
        The shape and the dtype of x, int32 for booleans. Integers wrap around.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> square([3.0]).tolist()
    [9.0]
    """
    x = as_tensor(x)
    return unary("square", as_dtype(x, "int32") if standardize_dtype(x.dtype) == "bool" else x)


@operation
def reciprocal(x: Any) -> Any:
    """1/x, as NumPy's `np.reciprocal`, but a float for integers too; derivative -1/x^2.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> reciprocal([4.0]).tolist()
    [0.25]
    """
    return unary("reciprocal", as_float(x))


@operation
def deg2rad(x: Any) -> Any:
    """x * pi/180: degrees to radians, as NumPy's `np.deg2rad`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> f"{float(deg2rad(180.0)):.4f}"
    '3.1416'
    """
    x = as_float(x)
    return binary("mul", x, as_dtype(np.pi / 180.0, standardize_dtype(x.dtype)))


@operation
def rad2deg(x: Any) -> Any:
    """x * 180/pi: radians to degrees, as NumPy's `np.rad2deg`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> rad2deg(0.0).item()
    0.0
    """
    x = as_float(x)
    return binary("mul", x, as_dtype(180.0 / np.pi, standardize_dtype(x.dtype)))


@operation
def sinc(x: Any) -> Any:
    """sin(pi x)/(pi x), 1 at 0, as NumPy's `np.sinc`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans are cast to `floatx()`.

    Returns
    -------
    tensor
        The shape of x, in its float dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> sinc([0.0]).tolist()
    [1.0]
    """
    x = as_float(x)
    dtype = standardize_dtype(x.dtype)
    y = binary("mul", x, as_dtype(np.pi, dtype))
    small = binary("lt", unary("abs", y), as_dtype(_SINC_SERIES, dtype))
    safe = apply("select", {}, [small, as_dtype(1.0, dtype), y])
    ratio = binary("div", unary("sin", safe), safe)
    square = unary("square", apply("select", {}, [small, y, as_dtype(0.0, dtype)]))
    # 1 - y^2/3! + y^4/5! - y^6/7! + y^8/9!: the derivative of the ratio cancels near 0.
    series = as_dtype(1.0 / 362880, dtype)
    for term in (-1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0):
        series = binary("add", binary("mul", series, square), as_dtype(term, dtype))
    return apply("select", {}, [small, series, ratio])
