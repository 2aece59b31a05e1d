"""Rounding, cutting, signs, and what kind of number an element is."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.ops._common import binary, unary
from chainrule.ops._sized import filled
from chainrule.tracing.arrays import constant
from chainrule.tracing.casting import as_dtype, as_float, as_tensor, keeps_gradient, promote_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "angle", "clip", "conj", "conjugate", "copy", "imag", "isfinite", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "logical_not", "nan_to_num", "real", "round", "sign",
    "signbit", "trunc",
]  # fmt: skip


@operation
def sign(x: Any) -> Any:
    """-1, 0 or 1 by the sign of x, NaN for NaN, as NumPy's `np.sign`; derivative 0.

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
    """Whether x is negative, -0.0 included, as NumPy's `np.signbit`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> signbit([-1.0, -0.0, 0.0]).tolist()
    [True, True, False]
    """
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    zero = as_dtype(0, dtype) if dtype != "bool" else np.asarray(False)
    if not is_float_dtype(dtype):
        return filled(x.shape, False, "bool") if dtype == "bool" else binary("lt", x, zero)
    below = binary("lt", x, zero)
    negative_zero = binary("lt", unary("reciprocal", x), zero)
    return binary("logical_or", below, negative_zero)


@operation
def round(x: Any, decimals: int = 0) -> Any:
    """x rounded to `decimals` places, halves to the even digit, as NumPy's `np.round`; derivative
    0.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become floats.
    decimals : int
        Digits behind the point; below 0, before it. Default 0.

    Returns
    -------
    tensor
        The shape and the dtype of x; `floatx()` for booleans.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

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
    """x cut towards zero, as NumPy's `np.trunc`; derivative 0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans stay as they are.

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
    >>> trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    x = as_tensor(x)
    return unary("trunc", x) if is_float_dtype(x.dtype) else x


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """min(max(x, x_min), x_max), as NumPy's `np.clip`; derivative 1 inside, 0 outside, 1/2 at a
    bound. NaN stays.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become int32.
    x_min, x_max : tensor or None
        The bounds, cast to the dtype of x; they broadcast with x. None is no bound.

    Returns
    -------
    tensor
        The broadcast shape, in the dtype of x (int32 for booleans).

    Raises
    ------
    ShapeError
        Shapes that do not broadcast.
    DTypeError
        An argument that holds no numbers.

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
    """A tensor with the same numbers that shares no memory with x, as NumPy's `np.copy`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        The shape and the dtype of x; a traced tensor itself.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> copy([1.0]).tolist()
    [1.0]
    """
    x = as_tensor(x)
    return x if keeps_gradient(x) else np.array(x)


@operation
def isnan(x: Any) -> Any:
    """Where x is not a number, as NumPy's `np.isnan`.

    Parameters
    ----------
    x : tensor
        Of any shape; False for integers.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> isnan([1.0, float("nan")]).tolist()
    [False, True]
    """
    return unary("is_nan", as_float(x))


@operation
def isinf(x: Any) -> Any:
    """Where x is plus or minus infinity, as NumPy's `np.isinf`.

    Parameters
    ----------
    x : tensor
        Of any shape; False for integers.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    return unary("is_inf", as_float(x))


@operation
def isfinite(x: Any) -> Any:
    """Where x is a finite number, as NumPy's `np.isfinite`.

    Parameters
    ----------
    x : tensor
        Of any shape; True for integers.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> isfinite([1.0, float("nan")]).tolist()
    [True, False]
    """
    return unary("is_finite", as_float(x))


@operation
def isposinf(x: Any) -> Any:
    """Where x is plus infinity, as NumPy's `np.isposinf`.

    Parameters
    ----------
    x : tensor
        Of any shape; False for integers.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> isposinf([float("inf"), float("-inf")]).tolist()
    [True, False]
    """
    x = as_float(x)
    return binary("eq", x, as_dtype(np.inf, standardize_dtype(x.dtype)))


@operation
def isneginf(x: Any) -> Any:
    """Where x is minus infinity, as NumPy's `np.isneginf`.

    Parameters
    ----------
    x : tensor
        Of any shape; False for integers.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> isneginf([float("inf"), float("-inf")]).tolist()
    [False, True]
    """
    x = as_float(x)
    return binary("eq", x, as_dtype(-np.inf, standardize_dtype(x.dtype)))


@operation
def isreal(x: Any) -> Any:
    """True everywhere, as NumPy's `np.isreal` of real numbers: there are no complex tensors.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> isreal([1.0]).tolist()
    [True]
    """
    return filled(as_tensor(x).shape, True, "bool")


@operation
def nan_to_num(
    x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """x with NaN and the infinities replaced, as NumPy's `np.nan_to_num`; there the derivative is
    0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans stay as they are.
    nan : float
        In place of NaN. Default 0.0.
    posinf : float, optional
        In place of infinity. Default: the largest number of the dtype.
    neginf : float, optional
        In place of minus infinity. Default: the least number of the dtype.

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
    """Not x, as NumPy's `np.logical_not`; numbers count as True unless 0.

    Parameters
    ----------
    x : tensor
        Of any shape, booleans or numbers.

    Returns
    -------
    bool tensor
        The shape of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> logical_not([True, False]).tolist()
    [False, True]
    """
    return unary("logical_not", as_dtype(x, "bool"))


@operation
def real(x: Any) -> Any:
    """x itself, as NumPy's `np.real` of real numbers: there are no complex tensors.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        x, of its shape and dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> real([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@operation
def imag(x: Any) -> Any:
    """Zeros, as NumPy's `np.imag` of real numbers: there are no complex tensors.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        Zeros of the shape and the dtype of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> imag([1.0]).tolist()
    [0.0]
    """
    x = as_tensor(x)
    return filled(x.shape, 0, constant(x).dtype)


@operation
def conjugate(x: Any) -> Any:
    """x itself, as NumPy's `np.conjugate` of real numbers: there are no complex tensors.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        x, of its shape and dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> conjugate([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@operation
def conj(x: Any) -> Any:
    """x itself, as NumPy's `np.conj` of real numbers; the same as `conjugate`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.

    Returns
    -------
    tensor
        x, of its shape and dtype.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> conj([1.0]).tolist()
    [1.0]
    """
    return as_tensor(x)


@operation
def angle(x: Any) -> Any:
    """pi for negative numbers, else 0: radians, as NumPy's `np.angle` of real numbers.

    Parameters
    ----------
    x : tensor
        Of any shape; integers and booleans become floats.

    Returns
    -------
    tensor
        The shape of x, in its float dtype; 0 for NaN.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> angle([1.0]).tolist()
    [0.0]
    """
    (x,) = promote_float(x)
    dtype = standardize_dtype(x.dtype)
    negative_x = binary("lt", x, as_dtype(0.0, dtype))
    return apply("select", {}, [negative_x, as_dtype(np.pi, dtype), as_dtype(0.0, dtype)])
