"""Bits of integers. NumPy computes them: they work on arrays, and have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype
from chainrule.base.errors import DTypeError
from chainrule.ops._common import check_broadcast, eager_only
from chainrule.tracing.casting import as_dtype, as_tensor, promote
from chainrule.tracing.recording import operation

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "left_shift", "right_shift",
]  # fmt: skip


def _check_integers(function: np.ufunc, x: Any) -> None:
    if is_float_dtype(x.dtype):
        raise DTypeError(f"{function.__name__}: expected integers, got dtype {x.dtype}")


def _pair(function: np.ufunc, x: Any, y: Any) -> Any:
    x, y = promote(as_tensor(x), y)
    _check_integers(function, x)
    check_broadcast(function.__name__, x, y)
    return np.asarray(eager_only(function, x, y))


@operation
def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that are in both, as NumPy's `np.bitwise_and` (arrays only).

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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_and([6], [3]).tolist()
    [2]
    """
    return _pair(np.bitwise_and, x, y)


@operation
def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that are in either, as NumPy's `np.bitwise_or` (arrays only).

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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_or([6], [3]).tolist()
    [7]
    """
    return _pair(np.bitwise_or, x, y)


@operation
def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that are in one but not both, as NumPy's `np.bitwise_xor` (arrays only).

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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_xor([6], [3]).tolist()
    [5]
    """
    return _pair(np.bitwise_xor, x, y)


@operation
def bitwise_invert(x: Any) -> Any:
    """All bits turned around, as NumPy's `np.invert` (arrays only): -x - 1 for signed x.

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
    TypeError
        A traced argument.

    Examples
    --------
    >>> bitwise_invert([0]).tolist()
    [-1]
    """
    x = as_tensor(x)
    _check_integers(np.invert, x)
    return np.asarray(eager_only(np.invert, x))


@operation
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
    TypeError
        A traced argument.

    Examples
    --------
    >>> bitwise_not([0]).tolist()
    [-1]
    """
    return bitwise_invert(x)


def _shift(function: np.ufunc, x: Any, y: Any) -> Any:
    x = as_tensor(x)
    _check_integers(function, x)
    if isinstance(y, int):
        return np.asarray(eager_only(function, x, as_dtype(y, str(x.dtype))))
    return _pair(function, x, y)


@operation
def bitwise_left_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places up: x * 2^y, as NumPy's `np.left_shift` (arrays only).

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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_left_shift([3], [2]).tolist()
    [12]
    """
    return _shift(np.left_shift, x, y)


@operation
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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> left_shift([3], [2]).tolist()
    [12]
    """
    return _shift(np.left_shift, x, y)


@operation
def bitwise_right_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places down: floor(x / 2^y), as NumPy's `np.right_shift` (arrays only).

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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> bitwise_right_shift([12], [2]).tolist()
    [3]
    """
    return _shift(np.right_shift, x, y)


@operation
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
    TypeError
        A traced argument.
    ShapeError
        Shapes that do not broadcast.

    Examples
    --------
    >>> right_shift([12], [2]).tolist()
    [3]
    """
    return _shift(np.right_shift, x, y)
