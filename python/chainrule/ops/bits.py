"""Bits of integers. NumPy computes them: they work on arrays, and have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype
from chainrule.base.errors import DTypeError
from chainrule.ops._common import as_dtype, as_tensor, eager_only, promote
from chainrule.tracing.dispatch import operation

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "left_shift", "right_shift",
]  # fmt: skip


def _pair(function: np.ufunc, x: Any, y: Any) -> Any:
    x, y = promote(as_tensor(x), y)
    if is_float_dtype(x.dtype):
        raise DTypeError(f"{function.__name__}: expected integers, got dtype {x.dtype}")
    return np.asarray(eager_only(function, x, y))


@operation
def bitwise_and(x: Any, y: Any) -> Any:
    """The bits that are in both.

    Examples
    --------
    >>> bitwise_and([6], [3]).tolist()
    [2]
    """
    return _pair(np.bitwise_and, x, y)


@operation
def bitwise_or(x: Any, y: Any) -> Any:
    """The bits that are in either.

    Examples
    --------
    >>> bitwise_or([6], [3]).tolist()
    [7]
    """
    return _pair(np.bitwise_or, x, y)


@operation
def bitwise_xor(x: Any, y: Any) -> Any:
    """The bits that are in one but not both.

    Examples
    --------
    >>> bitwise_xor([6], [3]).tolist()
    [5]
    """
    return _pair(np.bitwise_xor, x, y)


@operation
def bitwise_invert(x: Any) -> Any:
    """All bits turned around.

    Examples
    --------
    >>> bitwise_invert([0]).tolist()
    [-1]
    """
    return np.asarray(eager_only(np.invert, as_tensor(x)))


@operation
def bitwise_not(x: Any) -> Any:
    """All bits turned around, as `bitwise_invert`.

    Examples
    --------
    >>> bitwise_not([0]).tolist()
    [-1]
    """
    return bitwise_invert(x)


def _shift(function: np.ufunc, x: Any, y: Any) -> Any:
    x = as_tensor(x)
    if isinstance(y, int):
        return np.asarray(eager_only(function, x, as_dtype(y, str(x.dtype))))
    return _pair(function, x, y)


@operation
def bitwise_left_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places up: x * 2^y.

    Examples
    --------
    >>> bitwise_left_shift([3], [2]).tolist()
    [12]
    """
    return _shift(np.left_shift, x, y)


@operation
def left_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places up, as `bitwise_left_shift`.

    Examples
    --------
    >>> left_shift([3], [2]).tolist()
    [12]
    """
    return _shift(np.left_shift, x, y)


@operation
def bitwise_right_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places down: floor(x / 2^y).

    Examples
    --------
    >>> bitwise_right_shift([12], [2]).tolist()
    [3]
    """
    return _shift(np.right_shift, x, y)


@operation
def right_shift(x: Any, y: Any) -> Any:
    """The bits of x moved y places down, as `bitwise_right_shift`.

    Examples
    --------
    >>> right_shift([12], [2]).tolist()
    [3]
    """
    return _shift(np.right_shift, x, y)
