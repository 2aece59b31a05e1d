"""Tensors made from sizes and numbers. Their dtype is `floatx()` unless given."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.base.dtypes import result_type, standardize_dtype
from chainrule.base.errors import DataError
from chainrule.base.loading import take_elements
from chainrule.base.sizes import Size
from chainrule.ops._common import binary, static_shape
from chainrule.ops._sized import filled, triangle
from chainrule.ops.conversion import convert_to_tensor
from chainrule.tracing.arrays import storage_dtype
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced, weak_dtype
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "arange", "array", "empty", "empty_like", "eye", "full", "full_like", "identity", "ones",
    "ones_like", "tri", "zeros", "zeros_like",
]  # fmt: skip


def _dtype(dtype: Any) -> np.dtype[Any]:
    return storage_dtype(standardize_dtype(dtype))


def array(x: Any, dtype: Any = None) -> Any:
    """`x` as a tensor, as NumPy's `np.array`; the same as `convert_to_tensor`.

    Parameters
    ----------
    x : tensor
        Of any shape: numbers, lists of them, arrays.
    dtype : str, optional
        Of the result. Default: that of x; int32, bool or `floatx()` for Python numbers.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ValueError
        Lists of uneven length, or an unknown dtype.
    DTypeError
        Strings and objects.

    Examples
    --------
    >>> array([1, 2]).tolist()
    [1, 2]
    """
    return convert_to_tensor(x, dtype=dtype)


def _sized(op: str, shape: Any) -> tuple[int, ...]:
    """The shape, looked at while something is loaded."""
    sizes = static_shape(shape)
    if not any(isinstance(n, Size) for n in sizes):
        take_elements(op, math.prod(sizes))
    return sizes


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Zeros of the shape, as NumPy's `np.zeros`.

    Parameters
    ----------
    shape : int or ints
        Sizes from 0 up.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ValueError
        A size below 0, or an unknown dtype.
    TypeError
        A traced shape.

    Examples
    --------
    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return filled(_sized("zeros", shape), 0, _dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Ones of the shape, as NumPy's `np.ones`.

    Parameters
    ----------
    shape : int or ints
        Sizes from 0 up.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ValueError
        A size below 0, or an unknown dtype.
    TypeError
        A traced shape.

    Examples
    --------
    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return filled(_sized("ones", shape), 1, _dtype(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """Zeros of the shape, as NumPy's `np.zeros`: no memory with left-over numbers is handed out.

    Parameters
    ----------
    shape : int or ints
        Sizes from 0 up.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ValueError
        A size below 0, or an unknown dtype.
    TypeError
        A traced shape.

    Examples
    --------
    >>> empty((2,)).shape
    (2,)
    """
    return zeros(shape, dtype)


@operation
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`fill_value` broadcast to the shape, as NumPy's `np.full`.

    Parameters
    ----------
    shape : int or ints
        Sizes from 0 up.
    fill_value : tensor
        A number, or a tensor that broadcasts to the shape.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ShapeError
        `fill_value` does not broadcast to the shape.
    ValueError
        A size below 0, or an unknown dtype.
    DTypeError
        `fill_value` holds no numbers.

    Examples
    --------
    >>> full((2,), 3.0).tolist()
    [3.0, 3.0]
    """
    value = as_dtype(fill_value, standardize_dtype(dtype))
    return apply("broadcast_to", {"shape": list(static_shape(shape))}, [value])


@operation
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of x, as NumPy's `np.zeros_like`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    dtype : str, optional
        Of the result. Default: that of x.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> zeros_like([1, 2]).tolist()
    [0, 0]
    """
    x = as_tensor(x)
    return zeros(x.shape, dtype or x.dtype)


@operation
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones of the shape of x, as NumPy's `np.ones_like`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    dtype : str, optional
        Of the result. Default: that of x.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> ones_like([1, 2]).tolist()
    [1, 1]
    """
    x = as_tensor(x)
    return ones(x.shape, dtype or x.dtype)


@operation
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Zeros of the shape of x, as NumPy's `np.zeros_like`; the same as `zeros_like`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    dtype : str, optional
        Of the result. Default: that of x.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> empty_like([1, 2]).shape
    (2,)
    """
    return zeros_like(x, dtype)


@operation
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """`fill_value` broadcast to the shape of x, as NumPy's `np.full_like`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    fill_value : tensor
        A number, or a tensor that broadcasts to the shape of x.
    dtype : str, optional
        Of the result. Default: that of x.

    Returns
    -------
    tensor
        The shape of x, in that dtype.

    Raises
    ------
    ShapeError
        `fill_value` does not broadcast to the shape of x.
    ValueError
        An unknown dtype.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> full_like([1, 2], 7).tolist()
    [7, 7]
    """
    x = as_tensor(x)
    return full(x.shape, fill_value, dtype or x.dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """start, start + step, ... up to but without stop, as NumPy's `np.arange`; `arange(n)` begins
    at 0.

    Parameters
    ----------
    start : float
        The first number; the end where `stop` is not given.
    stop : float, optional
        The end, which is left out.
    step : float, optional
        From one number to the next, not 0. Default 1.
    dtype : str, optional
        Of the result. Default: the common dtype of the arguments, int32 for Python ints.

    Returns
    -------
    tensor
        (ceil((stop - start)/step),), at least 0; in that dtype.

    Raises
    ------
    ValueError
        A step of 0, or an unknown dtype.
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
    if any(isinstance(x, Size) for x in given):
        return _open_range(start, stop, step, standardize_dtype(dtype))
    bounds: list[Any] = [None if x is None else np.asarray(x).item() for x in (start, stop, step)]
    if step is not None and bounds[2] == 0:
        raise ValueError("arange: expected a `step` other than 0, got 0")
    if bounds[1] is None:
        bounds[:2] = [0, bounds[0]]
    name = standardize_dtype(dtype)
    take_elements("arange", abs(bounds[1] - bounds[0]) / abs(bounds[2] or 1))
    try:
        line = np.arange(bounds[0], bounds[1], 1 if bounds[2] is None else bounds[2])
    except OverflowError as error:
        raise DataError(f"arange: expected bounds of 64 bits, got {tuple(given)}") from error
    return line.astype(storage_dtype(name))


def _open_range(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    """The range of ints of which one is not known."""
    first, end = (0, start) if stop is None else (start, stop)
    step = 1 if step is None else step
    if not all(isinstance(x, (int, Size)) for x in (first, end, step)):
        raise TypeError(f"arange: expected ints beside an unknown size, got {(start, stop, step)}")
    line = apply("iota", {"shape": [-((first - end) // step)], "axis": 0, "dtype": "int32"}, [])
    return as_dtype(line * as_dtype(step, "int32") + as_dtype(first, "int32"), dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """An N x M matrix with ones on the k-th diagonal, as NumPy's `np.eye`.

    Parameters
    ----------
    N : int
        The number of rows, from 0 up.
    M : int, optional
        The number of columns. Default: N.
    k : int
        Which diagonal: above 0 further up, below 0 further down. Default 0.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        (N, M), in that dtype.

    Raises
    ------
    ValueError
        A size below 0, or an unknown dtype.
    TypeError
        Sizes that are no integers.

    Examples
    --------
    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if isinstance(N, Size) or isinstance(M, Size):
        columns = N if M is None else M
        below, above = (triangle(N, columns, operator.index(k) - i) for i in range(2))
        return as_dtype(binary("ne", below, above), standardize_dtype(dtype))
    columns = None if M is None else operator.index(M)
    take_elements("eye", operator.index(N) * operator.index(N if columns is None else columns))
    return np.eye(operator.index(N), columns, operator.index(k), dtype=_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The n x n identity matrix, as NumPy's `np.identity`.

    Parameters
    ----------
    n : int
        The number of rows and columns, from 0 up.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        (n, n), in that dtype.

    Raises
    ------
    ValueError
        A size below 0, or an unknown dtype.
    TypeError
        A size that is no integer.

    Examples
    --------
    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """An N x M matrix with ones on and below the k-th diagonal, else 0, as NumPy's `np.tri`.

    Parameters
    ----------
    N : int
        The number of rows.
    M : int, optional
        The number of columns. Default: N.
    k : int
        The last diagonal of ones: above 0 further up, below 0 further down. Default 0.
    dtype : str, optional
        Of the result. Default: `floatx()`.

    Returns
    -------
    tensor
        (N, M), in that dtype; empty for sizes below 0.

    Raises
    ------
    ValueError
        An unknown dtype.
    TypeError
        Traced sizes.

    Examples
    --------
    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    rows, columns = static_shape((N, N if M is None else M))
    # Beyond the corners nothing changes.
    return np.tri(rows, columns, min(max(int(k), -rows), columns), dtype=_dtype(dtype))
