"""Bits of integers. They have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError
from chainrule.ops._common import binary, check_broadcast, unary
from chainrule.tracing.casting import as_dtype, as_tensor, promote
from chainrule.tracing.recording import operation
from chainrule.tracing.specs import compute_output_spec

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "left_shift", "right_shift",
]  # fmt: skip


def _spec(x: Any, y: Any = None) -> Any:
    """A symbolic call takes floats too, as Keras's: the result is a KerasTensor of integers."""
    return compute_output_spec(_of_integers, x, y)


def _of_integers(x: Any, y: Any) -> Any:
    x = _rounded(x)
    return x if y is None else _pair("bitwise_and", "bit_and", x, _rounded(y))


def _rounded(x: Any) -> Any:
    if isinstance(x, int):
        return x
    x = as_tensor(x)
    return as_dtype(x, "int32") if is_float_dtype(x.dtype) else x


def _check_integers(name: str, x: Any) -> None:
    if is_float_dtype(x.dtype):
        raise DTypeError(f"{name}: expected integers, got dtype {x.dtype}")


def _pair(name: str, function: str, x: Any, y: Any) -> Any:
    x, y = promote(as_tensor(x), y)
    _check_integers(name, x)
    check_broadcast(name, x, y)
    if standardize_dtype(x.dtype) == "bool":
        function = function.replace("bit_", "logical_")
    return binary(function, x, y)


@operation(spec=_spec)
def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that are in both, as NumPy's `np.bitwise_and`.

    Parameters
    ----------
    x, y : integer tensor
        Of shapes that broadcast, integers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_and([6], [3]).tolist()
    [2]
    """
    return _pair("bitwise_and", "bit_and", x, y)


@operation(spec=_spec)
def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that are in either, as NumPy's `np.bitwise_or`.

    Parameters
    ----------
    x, y : integer tensor
        Of shapes that broadcast, integers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_or([6], [3]).tolist()
    [7]
    """
    return _pair("bitwise_or", "bit_or", x, y)


@operation(spec=_spec)
def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that are in one but not both, as NumPy's `np.bitwise_xor`.

    Parameters
    ----------
    x, y : integer tensor
        Of shapes that broadcast, integers or booleans; brought to their common dtype.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_xor([6], [3]).tolist()
    [5]
    """
    return _pair("bitwise_xor", "bit_xor", x, y)


@operation(spec=_spec)
def bitwise_invert(x: Any) -> Any:
    """All bits turned around, as NumPy's `np.invert`: -x - 1 for signed x.

    Parameters
    ----------
    x : integer tensor
        Of any shape, integers or booleans.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.

    Examples
    --------
    >>> bitwise_invert([0]).tolist()
    [-1]
    """
    x = as_tensor(x)
    _check_integers("invert", x)
    dtype = standardize_dtype(x.dtype)
    if dtype == "bool":
        return unary("logical_not", x)
    ones = -1 if np.iinfo(dtype).min < 0 else np.iinfo(dtype).max
    return binary("bit_xor", x, as_dtype(ones, dtype))


@operation(spec=_spec)
def bitwise_not(x: Any) -> Any:
    """All bits turned around, as NumPy's `np.bitwise_not`; the same as `bitwise_invert`.

    Parameters
    ----------
    x : integer tensor
        Of any shape, integers or booleans.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.

    Examples
    --------
    >>> bitwise_not([0]).tolist()
    [-1]
    """
    return bitwise_invert(x)


def _shift(function: str, x: Any, y: Any) -> Any:
    x = as_tensor(x)
    _check_integers(function, x)
    if standardize_dtype(x.dtype) == "bool":
        x = as_dtype(x, "int32")
    return _pair(function, function, x, as_dtype(y, str(x.dtype)) if isinstance(y, int) else y)


@operation(spec=_spec)
def bitwise_left_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places up: x * 2^y, as NumPy's `np.left_shift`.

    Parameters
    ----------
    x : integer tensor
        Of a shape that broadcasts with that of y.
    y : integer tensor
        How many places, from 0 up; a Python int takes the dtype of x.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_left_shift([3], [2]).tolist()
    [12]
    """
    return _shift("left_shift", x, y)


@operation(spec=_spec)
def left_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places up, as NumPy's `np.left_shift`; the same as
    `bitwise_left_shift`.

    Parameters
    ----------
    x : integer tensor
        Of a shape that broadcasts with that of y.
    y : integer tensor
        How many places, from 0 up; a Python int takes the dtype of x.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> left_shift([3], [2]).tolist()
    [12]
    """
    return _shift("left_shift", x, y)


@operation(spec=_spec)
def bitwise_right_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places down: floor(x / 2^y), as NumPy's `np.right_shift`.

    Parameters
    ----------
    x : integer tensor
        Of a shape that broadcasts with that of y.
    y : integer tensor
        How many places, from 0 up; a Python int takes the dtype of x.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_right_shift([12], [2]).tolist()
    [3]
    """
    return _shift("right_shift", x, y)


@operation(spec=_spec)
def right_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places down, as NumPy's `np.right_shift`; the same as
    `bitwise_right_shift`.

    Parameters
    ----------
    x : integer tensor
        Of a shape that broadcasts with that of y.
    y : integer tensor
        How many places, from 0 up; a Python int takes the dtype of x.

    Returns
    -------
    tensor
        The broadcast shape, in the common dtype.

    Raises
    ------
    DTypeError
        Floats, or an argument that holds no numbers.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> right_shift([12], [2]).tolist()
    [3]
    """
    return _shift("right_shift", x, y)
