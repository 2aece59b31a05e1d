"""Tensors made from sizes and numbers. Their dtype is `floatx()` unless given."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.base.dtypes import result_type, standardize_dtype
from chainrule.base.loading import take_elements
from chainrule.ops._common import as_dtype, as_tensor, is_traced, static_shape, weak_dtype
from chainrule.tracing.dispatch import apply, operation, storage_dtype

__all__ = [
    "arange", "array", "empty", "empty_like", "eye", "full", "full_like", "identity", "ones",
    "ones_like", "tri", "zeros", "zeros_like",
]  # fmt: skip


def _dtype(dtype: Any) -> np.dtype[Any]:
    return storage_dtype(standardize_dtype(dtype))


def array(x: Any, dtype: Any = None) -> Any:
    """`x` as a tensor, as `convert_to_tensor`.

    Examples
    --------
    >>> array([1, 2]).tolist()
    [1, 2]
    """
    from chainrule.ops.conversion import convert_to_tensor

    return convert_to_tensor(x, dtype=dtype)


def _sized(op: str, shape: Any) -> tuple[int, ...]:
    """The shape, looked at while something is loaded."""
    sizes = static_shape(shape)
    take_elements(op, math.prod(sizes))
    return sizes


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros of the shape.

    Examples
    --------
    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return np.zeros(_sized("zeros", shape), _dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones of the shape.

    Examples
    --------
    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return np.ones(_sized("ones", shape), _dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """Zeros of the shape: no memory with left-over numbers is handed out.

    Examples
    --------
    >>> empty((2,)).shape
    (2,)
    """
    return zeros(shape, dtype)


@operation
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`fill_value` broadcast to the shape.

    Examples
    --------
    >>> full((2,), 3.0).tolist()
    [3.0, 3.0]
    """
    value = as_dtype(fill_value, standardize_dtype(dtype))
    return apply("broadcast_to", {"shape": list(static_shape(shape))}, [value])


@operation
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of x, and its dtype unless another is given.

    Examples
    --------
    >>> zeros_like([1, 2]).tolist()
    [0, 0]
    """
    x = as_tensor(x)
    return zeros(x.shape, dtype or x.dtype)


@operation
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of the shape of x, and its dtype unless another is given.

    Examples
    --------
    >>> ones_like([1, 2]).tolist()
    [1, 1]
    """
    x = as_tensor(x)
    return ones(x.shape, dtype or x.dtype)


@operation
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of x, as `zeros_like`.

    Examples
    --------
    >>> empty_like([1, 2]).shape
    (2,)
    """
    return zeros_like(x, dtype)


@operation
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`fill_value` broadcast to the shape of x, in its dtype unless another is given.

    Examples
    --------
    >>> full_like([1, 2], 7).tolist()
    [7, 7]
    """
    x = as_tensor(x)
    return full(x.shape, fill_value, dtype or x.dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """start, start + step, ... up to but without stop; `arange(n)` begins at 0.

    Raises
    ------
    TypeError
        Traced arguments: the length must be known.

    Examples
    --------
    >>> arange(3).tolist(), arange(1.0, 2.0, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    given = [x for x in (start, stop, step) if x is not None]
    if any(is_traced(x) for x in given):
        raise TypeError("arange: the bounds must be known while tracing, got a traced KerasTensor")
    if dtype is None:
        dtype = result_type(*(weak_dtype(x) for x in given))
    numbers: list[Any] = [None if x is None else np.asarray(x).item() for x in (start, stop, step)]
    if step is not None and numbers[2] == 0:
        raise ValueError("arange: expected a `step` other than 0, got 0")
    if numbers[1] is None:
        numbers[:2] = [0, numbers[0]]
    name = standardize_dtype(dtype)
    take_elements("arange", abs(numbers[1] - numbers[0]) / abs(numbers[2] or 1))
    return np.arange(numbers[0], numbers[1], 1 if numbers[2] is None else numbers[2]).astype(
        storage_dtype(name)
    )


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """An N x M matrix with ones on the k-th diagonal.

    Examples
    --------
    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = None if M is None else operator.index(M)
    take_elements("eye", operator.index(N) * operator.index(N if columns is None else columns))
    return np.eye(operator.index(N), columns, operator.index(k), dtype=_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The n x n identity matrix.

    Examples
    --------
    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """An N x M matrix with ones on and below the k-th diagonal.

    Examples
    --------
    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    rows, columns = static_shape((N, N if M is None else M))
    # Beyond the corners nothing changes.
    return np.tri(rows, columns, min(max(int(k), -rows), columns), dtype=_dtype(dtype))
