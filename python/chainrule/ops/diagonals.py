"""Diagonals of matrices, and matrices from diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size, at_least
from chainrule.ops._sized import numbers
from chainrule.ops.shaping import _reshape, moveaxis, ravel
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["diag", "diagflat", "diagonal"]


@operation
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the matrices in two axes, as the last axis of the result; as NumPy's
    `np.diagonal`.

    Parameters
    ----------
    x : tensor
        Of two axes or more, any dtype.
    offset : int
        Which diagonal: above 0 further up, below 0 further down. Default 0.
    axis1 : int
        The rows of the matrices. Default 0.
    axis2 : int
        Their columns. Default 1.

    Returns
    -------
    tensor
        The shape of x without the two axes, then the length of the diagonal; in the dtype of x.

    Raises
    ------
    ShapeError
        Fewer than two axes, an axis that is not there, or one axis twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal: expected at least 2 axes, got shape {tuple(x.shape)}")
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    flat = _reshape(x, [*x.shape[:-2], rows * columns])
    return apply("gather", {"axis": flat.ndim - 1}, [flat, _places(rows, columns, offset)])


def _places(rows: Any, columns: Any, offset: int) -> Any:
    """Where the diagonal of a matrix lies in its elements, row by row."""
    if not isinstance(rows * columns, Size):
        matrix = np.arange(rows * columns, dtype="int32").reshape(rows, columns)
        return np.ascontiguousarray(np.diagonal(matrix, offset))
    right, down = max(offset, 0), max(-offset, 0)
    below, beside = rows - down, columns - right
    shorter = below + beside - at_least(below, beside)
    return numbers(shorter) * as_dtype(columns + 1, "int32") + (down * columns + right)


@operation
def diag(x: Any, k: int = 0) -> Any:
    """A matrix with x on its k-th diagonal, or the k-th diagonal of a matrix, as NumPy's `np.diag`.

    Parameters
    ----------
    x : tensor
        (n,), or (m, n), of any dtype.
    k : int
        Which diagonal: above 0 further up, below 0 further down. Default 0.

    Returns
    -------
    tensor
        (n + |k|, n + |k|) with zeros elsewhere, or the diagonal (length,); in the dtype of x.

    Raises
    ------
    ValueError
        Neither one axis nor two.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"`x` must be 1-D or 2-D. Received: shape {tuple(x.shape)}")
    if standardize_dtype(x.dtype) == "bool":
        return as_dtype(diag(as_dtype(x, "uint8"), k), "bool")
    n = x.shape[0] + abs(k)
    row = numbers(x.shape[0])
    index = (row + np.int32(max(-k, 0))) * as_dtype(n, "int32") + row + np.int32(max(k, 0))
    return _reshape(apply("scatter_add", {"axis": 0, "size": n * n}, [x, index]), [n, n])


@operation
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with the flattened x on its k-th diagonal, as NumPy's `np.diagflat`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype, with n elements.
    k : int
        Which diagonal: above 0 further up, below 0 further down. Default 0.

    Returns
    -------
    tensor
        (n + |k|, n + |k|), with zeros elsewhere; in the dtype of x.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> diagflat([[1, 2]]).tolist()
    [[1, 0], [0, 2]]
    """
    return diag(ravel(x), k)
