"""Statistics that ignore NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.ops import positions, reductions
from chainrule.ops._common import as_dtype, as_float, as_tensor, binary, eager_only, root, unary
from chainrule.tracing.dispatch import apply, operation

__all__ = [
    "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian",
    "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
]  # fmt: skip


def _without_nan(x: Any, replacement: Any) -> tuple[Any, Any]:
    """x with NaN replaced, and where it was not NaN."""
    x = as_tensor(x)
    dtype = standardize_dtype(x.dtype)
    if not is_float_dtype(dtype):
        return x, np.ones(x.shape, "bool")
    bad = unary("is_nan", x)
    return apply("select", {}, [bad, as_dtype(replacement, dtype), x]), unary("logical_not", bad)


@operation
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`sum` with NaN as 0.

    Examples
    --------
    >>> nansum([1.0, float("nan")]).item()
    1.0
    """
    return reductions.sum(_without_nan(x, 0.0)[0], axis, keepdims)


@operation
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`prod` with NaN as 1.

    Examples
    --------
    >>> nanprod([2.0, float("nan")]).item()
    2.0
    """
    return reductions.prod(_without_nan(x, 1.0)[0], axis, keepdims)


@operation
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean over elements that are not NaN.

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
    """The biased variance over elements that are not NaN.

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
    """The square root of `nanvar`.

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
    """The largest element that is not NaN; NaN where there is none.

    Examples
    --------
    >>> nanmax([1.0, float("nan")]).item()
    1.0
    """
    return _nan_extreme(x, axis, keepdims, True)


@operation
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element that is not NaN; NaN where there is none.

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
    """The index of the largest element that is not NaN; -1 where there is none.

    Examples
    --------
    >>> nanargmax([1.0, float("nan"), 2.0]).item()
    2
    """
    return _nan_arg(x, axis, keepdims, True)


@operation
def nanargmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The index of the smallest element that is not NaN; -1 where there is none.

    Examples
    --------
    >>> nanargmin([1.0, float("nan"), 2.0]).item()
    0
    """
    return _nan_arg(x, axis, keepdims, False)


@operation
def nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """`cumsum` with NaN as 0.

    Examples
    --------
    >>> nancumsum([1.0, float("nan"), 2.0]).tolist()
    [1.0, 1.0, 3.0]
    """
    return positions.cumsum(_without_nan(x, 0.0)[0], axis, dtype)


@operation
def nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    """`cumprod` with NaN as 1.

    Examples
    --------
    >>> nancumprod([2.0, float("nan"), 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    return positions.cumprod(_without_nan(x, 1.0)[0], axis, dtype)


def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """`quantile` over elements that are not NaN (arrays only).

    Examples
    --------
    >>> nanquantile([1.0, 3.0, float("nan")], 0.5).item()
    2.0
    """
    return _numpy_statistic(np.nanquantile, x, q, axis, method, keepdims)


def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """`percentile` over elements that are not NaN (arrays only).

    Examples
    --------
    >>> nanpercentile([1.0, 3.0, float("nan")], 50).item()
    2.0
    """
    return _numpy_statistic(np.nanpercentile, x, q, axis, method, keepdims)


def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`median` over elements that are not NaN (arrays only).

    Examples
    --------
    >>> nanmedian([1.0, 3.0, float("nan")]).item()
    2.0
    """
    return nanquantile(x, 0.5, axis, "linear", keepdims)


def _numpy_statistic(
    function: Any, x: Any, q: Any, axis: Any, method: str, keepdims: bool
) -> Any:
    axes = tuple(axis) if isinstance(axis, list) else axis
    x = as_float(x)

    def statistic(a: Any) -> Any:
        return function(a, np.asarray(q, "float64"), axis=axes, method=method, keepdims=keepdims)

    return np.asarray(eager_only(statistic, x, name=function.__name__)).astype(x.dtype)
