"""Order: sorts; and correlations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.ops import reductions
from chainrule.ops._common import binary, normalize_axis, unary
from chainrule.ops.shaping import _reshape
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "argpartition", "argsort", "corrcoef", "sort",
]  # fmt: skip


def _sortable(x: Any) -> Any:
    return as_dtype(x, "uint8") if standardize_dtype(x.dtype) == "bool" else x


@operation
def sort(x: Any, axis: int | None = -1) -> Any:
    """x in ascending order along `axis`, NaN last, as NumPy's `np.sort`.

    The gradient goes to where the elements came from.

    Parameters
    ----------
    x : tensor
        Of one axis or more (any shape for axis None), numbers or booleans.
    axis : int or None
        Along which. None is x flattened. Default -1.

    Returns
    -------
    tensor
        The shape of x, or (size of x,) for axis None; in its dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = _reshape(x, [math.prod(x.shape)]), 0
    dtype = standardize_dtype(x.dtype)
    attrs = {"axis": normalize_axis(axis, x.ndim, "sort")}
    return as_dtype(apply("sort", attrs, [_sortable(x)]), dtype)


@operation
def argsort(x: Any, axis: int | None = -1) -> Any:
    """The indices that sort x along `axis`, as NumPy's `np.argsort`; equal elements keep their
    order.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans; NaN comes last.
    axis : int or None
        Along which. None is x flattened. Default -1.

    Returns
    -------
    int32 tensor
        The shape of x, or (size of x,) for axis None.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    x = as_tensor(x)
    if x.ndim == 0:
        return np.zeros((), "int32")
    if axis is None:
        x, axis = _reshape(x, [math.prod(x.shape)]), 0
    attrs = {"axis": normalize_axis(axis, x.ndim, "argsort")}
    return apply("argsort", attrs, [_sortable(x)])


@operation
def argpartition(x: Any, kth: int, axis: int = -1) -> Any:
    """Indices with those of the `kth` smallest elements first, as NumPy's `np.argpartition`.

    They are those of a full sort, which fits any `kth`.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    kth : int
        Has no effect on the order.
    axis : int
        Along which. Default -1.

    Returns
    -------
    int32 tensor
        The shape of x.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    ValueError
        `kth` that is no integer.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> argpartition([3, 1, 2], 1).tolist()
    [1, 2, 0]
    """
    if not isinstance(kth, (int, np.integer)):
        raise ValueError(f"argpartition: expected an integer `kth`, got {kth!r}")
    return argsort(x, axis)


@operation
def corrcoef(x: Any) -> Any:
    """Pearson's correlations between the rows of x, as NumPy's `np.corrcoef`; NaN for a constant
    row.

    Parameters
    ----------
    x : tensor
        (m, n): m variables, n observations; of another rank, one variable. Integers become floats.

    Returns
    -------
    tensor
        (m, m) in [-1, 1], a scalar unless x has two axes; in the float dtype of x, float64 for
        int64.

    Raises
    ------
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> corrcoef([[1.0, 2.0], [2.0, 4.0]]).round(4).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    x = as_tensor(x)
    wide = standardize_dtype(x.dtype) == "int64"
    x = as_dtype(x, "float64") if wide else as_float(x)
    rows = x if x.ndim == 2 else _reshape(x, [1, math.prod(x.shape)])
    dtype = standardize_dtype(x.dtype)
    centred = binary("sub", rows, reductions.mean(rows, axis=1, keepdims=True))
    product = {"transpose_a": False, "transpose_b": True}
    covariance = apply("matmul", product, [centred, centred])
    spread = unary("sqrt", reductions.sum(unary("square", centred), axis=1))
    n = spread.shape[0]
    scale = binary("mul", _reshape(spread, [n, 1]), _reshape(spread, [1, n]))
    result = binary("div", covariance, scale)
    result = binary("maximum", result, as_dtype(-1.0, dtype))
    result = binary("minimum", result, as_dtype(1.0, dtype))
    return result if x.ndim == 2 else _reshape(result, [])
