"""Places of extremes, and sums and products along an axis."""

from __future__ import annotations

import math
from typing import Any

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.ops._common import normalize_axis
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["argmax", "argmin", "cumprod", "cumsum"]


def _arg_reduce(function: str, x: Any, axis: Any, keepdims: bool) -> Any:
    x = as_tensor(x)
    ndim = x.ndim
    if axis is None or ndim == 0:
        x = apply("reshape", {"shape": [math.prod(x.shape)]}, [x])
    index = 0 if axis is None or ndim == 0 else normalize_axis(axis, ndim, function)
    if x.shape[index] == 0:
        raise ShapeError(f"{function}: axis {index} of shape {tuple(x.shape)} has no elements")
    if standardize_dtype(x.dtype) == "bool":
        x = as_dtype(x, "uint8")
    shape = [1] * ndim if axis is None else [1 if i == index else n for i, n in enumerate(x.shape)]
    result = apply("arg_reduce", {"function": function, "axis": index}, [x])
    if ndim == 0:
        return apply("reshape", {"shape": []}, [result])
    return apply("reshape", {"shape": shape}, [result]) if keepdims else result


@operation
def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the largest element along `axis`, as NumPy's `np.argmax`.

    The first of equal elements counts, and NaN counts as the largest.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    axis : int or None
        Along which indices count. Default None: x flattened.
    keepdims : bool
        Whether the reduced axes stay with size 1. Default False.

    Returns
    -------
    int32 tensor
        The shape of x without the reduced axes.

    Raises
    ------
    ShapeError
        No elements along the axis, or an axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> argmax([[1, 5], [7, 2]], axis=1).tolist()
    [1, 0]
    """
    return _arg_reduce("argmax", x, axis, keepdims)


@operation
def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the smallest element along `axis`, as NumPy's `np.argmin`.

    The first of equal elements counts, and NaN counts as the smallest.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    axis : int or None
        Along which indices count. Default None: x flattened.
    keepdims : bool
        Whether the reduced axes stay with size 1. Default False.

    Returns
    -------
    int32 tensor
        The shape of x without the reduced axes.

    Raises
    ------
    ShapeError
        No elements along the axis, or an axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> argmin([[1, 5], [7, 2]], axis=1).tolist()
    [0, 1]
    """
    return _arg_reduce("argmin", x, axis, keepdims)


def _cumulate(function: str, x: Any, axis: Any, dtype: Any) -> Any:
    x = as_tensor(x)
    if dtype is not None:
        x = as_dtype(x, standardize_dtype(dtype))
    if standardize_dtype(x.dtype) == "bool":
        x = as_dtype(x, "int32")
    if axis is None:
        x = apply("reshape", {"shape": [math.prod(x.shape)]}, [x])
        axis = 0
    attrs = {
        "function": function,
        "axis": normalize_axis(axis, x.ndim, function),
        "reverse": False,
        "exclusive": False,
    }
    return apply("cumulate", attrs, [x])


@operation
def cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """y[i] = x[0] + ... + x[i] along `axis`, as NumPy's `np.cumsum`.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become int32, other integers keep their width.
    axis : int or None
        Along which. Default None: x flattened.
    dtype : str, optional
        Of the terms and the result. Default: that of x.

    Returns
    -------
    tensor
        The shape of x, or (size of x,) for axis None; in that dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    return _cumulate("cumsum", x, axis, dtype)


@operation
def cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """y[i] = x[0] * ... * x[i] along `axis`, as NumPy's `np.cumprod`.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become int32, other integers keep their width.
    axis : int or None
        Along which. Default None: x flattened.
    dtype : str, optional
        Of the terms and the result. Default: that of x.

    Returns
    -------
    tensor
        The shape of x, or (size of x,) for axis None; in that dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    ValueError
        An unknown dtype.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    return _cumulate("cumprod", x, axis, dtype)
