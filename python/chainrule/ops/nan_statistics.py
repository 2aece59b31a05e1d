"""Sums, means, extremes and places that ignore NaN; quantiles that do are in `quantiles.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.ops import positions, reductions
from chainrule.ops._common import binary, root, unary
from chainrule.ops._sized import filled
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod",
    "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _without_nan(x: Any, replacement: Any) -> tuple[Any, Any]:
    """x with NaN replaced, and where it was not NaN."""
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    if not is_float_dtype(dtype):
        return x, filled(x.shape, True, "bool")
    bad = unary("is_nan", x)
    return apply("select", {}, [bad, as_dtype(replacement, dtype), x]), unary("logical_not", bad)


@operation
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`sum` with NaN as 0, as NumPy's `np.nansum`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype (int32 or uint32 for narrower
        integers).

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nansum([1.0, float("nan")]).item()
    1.0
    """
    return reductions.sum(_without_nan(x, 0.0)[0], axis, keepdims)


@operation
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`prod` with NaN as 1, as NumPy's `np.nanprod`.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype (int32 or uint32 for narrower
        integers).

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanprod([2.0, float("nan")]).item()
    2.0
    """
    return reductions.prod(_without_nan(x, 1.0)[0], axis, keepdims)


@operation
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over elements that are not NaN, as NumPy's `np.nanmean`; NaN where there are none.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype (float32 for integers).

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanmean([1.0, 3.0, float("nan")]).item()
    2.0
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return reductions.mean(x, axis, keepdims)
    clean, good = _without_nan(x, 0.0)
    count = reductions.sum(as_dtype(good, standardize_dtype(x.dtype)), axis, keepdims)
    return binary("div", reductions.sum(clean, axis, keepdims), count)


@operation
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The biased variance over elements that are not NaN, as NumPy's `np.nanvar`; NaN where there
    are none.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype (`floatx()` for integers).

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanvar([1.0, 3.0, float("nan")]).item()
    1.0
    """
    x = as_float(x)
    clean, good = _without_nan(x, 0.0)
    dtype = standardize_dtype(x.dtype)
    centred = binary("sub", clean, nanmean(x, axis, True))
    centred = apply("select", {}, [good, centred, as_dtype(0.0, dtype)])
    count = reductions.sum(as_dtype(good, dtype), axis, keepdims)
    return binary("div", reductions.sum(unary("square", centred), axis, keepdims), count)


@operation
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of `nanvar`, as NumPy's `np.nanstd`; derivative 0 where it is 0.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype (`floatx()` for integers).

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanstd([1.0, 3.0, float("nan")]).item()
    1.0
    """
    return root(nanvar(x, axis, keepdims))


def _nan_extreme(x: Any, axis: Any, keepdims: bool, largest: bool) -> Any:
    limit = -math.inf if largest else math.inf
    x = as_tensor(x)
    clean, good = _without_nan(x, limit)
    result = (reductions.max if largest else reductions.min)(clean, axis, keepdims)
    dtype = standardize_dtype(x.dtype)
    if not is_float_dtype(dtype):
        return result
    some = reductions.any(good, axis, keepdims)
    return apply("select", {}, [some, result, as_dtype(math.nan, dtype)])


@operation
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element that is not NaN, as NumPy's `np.nanmax`; NaN where all are.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanmax([1.0, float("nan")]).item()
    1.0
    """
    return _nan_extreme(x, axis, keepdims, True)


@operation
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element that is not NaN, as NumPy's `np.nanmin`; NaN where all are.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its dtype.

    Raises
    ------
    ShapeError
        No elements, an axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanmin([1.0, float("nan")]).item()
    1.0
    """
    return _nan_extreme(x, axis, keepdims, False)


def _nan_arg(x: Any, axis: Any, keepdims: bool, largest: bool) -> Any:
    clean, good = _without_nan(x, -math.inf if largest else math.inf)
    index = (positions.argmax if largest else positions.argmin)(clean, axis, keepdims)
    some = reductions.any(good, axis, keepdims)
    return apply("select", {}, [some, index, np.asarray(-1, "int32")])


@operation
def nanargmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the largest element that is not NaN, as `jax.numpy.nanargmax`; -1 where there is
    none.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
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
    >>> nanargmax([1.0, float("nan"), 2.0]).item()
    2
    """
    return _nan_arg(x, axis, keepdims, True)


@operation
def nanargmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the smallest element that is not NaN, as `jax.numpy.nanargmin`; -1 where there
    is none.

    Parameters
    ----------
    x : tensor
        Of any shape; integers hold no NaN.
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
    >>> nanargmin([1.0, float("nan"), 2.0]).item()
    0
    """
    return _nan_arg(x, axis, keepdims, False)


def _one_axis(axis: Any) -> Any:
    """An axis that stands in a list or tuple of one too."""
    return axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis


@operation
def nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """`cumsum` with NaN as 0, as NumPy's `np.nancumsum`.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become int32, other integers keep their width.
    axis : int, (int,) or None
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
    >>> nancumsum([1.0, float("nan"), 2.0]).tolist()
    [1.0, 1.0, 3.0]
    """
    return positions.cumsum(_without_nan(x, 0.0)[0], _one_axis(axis), dtype)


@operation
def nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """`cumprod` with NaN as 1, as NumPy's `np.nancumprod`.

    Parameters
    ----------
    x : tensor
        Of any shape; booleans become int32, other integers keep their width.
    axis : int, (int,) or None
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
    >>> nancumprod([2.0, float("nan"), 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    return positions.cumprod(_without_nan(x, 1.0)[0], _one_axis(axis), dtype)
