"""Quantiles, of all elements and of those that are not NaN: positions between sorted elements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size
from chainrule.ops import reductions
from chainrule.ops._common import binary, in_double, normalize_axes, unary
from chainrule.ops.shaping import _reshape, moveaxis, transpose
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]


@operation
def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-quantiles over axes, as NumPy's `np.quantile`: q = 0 the least, 1 the largest element.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    q : float or floats, or a tensor of them
        In [0, 1]; several make first axes of the result. In a trace q is cut to that range.
    axis : int, ints or None
        The axes that go away. Default None: all.
    method : str
        What lies between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
        Default "linear".
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of q, then that of x without the reduced axes; in its float dtype. NaN where an
        element is.

    Raises
    ------
    ValueError
        q outside [0, 1], or an unknown method.
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> quantile([1.0, 2.0, 4.0], 0.25).item()
    1.5
    """
    return _quantile("quantile", x, q, axis, method, keepdims)


def _shares(op: str, q: Any) -> Any:
    """Percents as shares of 1.

    Raises
    ------
    ValueError
        q outside [0, 100].
    """
    if is_traced(q):
        return binary("div", as_dtype(q, "float64"), np.float64(100.0))
    shares = np.asarray(in_double(q)) / 100.0
    if shares.size and not (0 <= shares.min() and shares.max() <= 1):
        raise ValueError(f"{op}: expected q in [0, 100], got {q}")
    return shares


def _quantile(
    op: str, x: Any, q: Any, axis: Any, method: str, keepdims: bool, with_nan: bool = True
) -> Any:
    """What `quantile` gives; without NaN, that of the elements which are numbers.

    Raises
    ------
    ValueError
        q outside [0, 1], or an unknown method.
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    """
    x = as_tensor(x)
    if standardize_dtype(x.dtype) == "int64":
        x = as_dtype(x, floatx())
    x = as_dtype(x, result_type(x.dtype, float))
    points = _points(op, q)
    if method not in _METHODS:
        raise ValueError(f"Invalid method: {method!r}. Expected one of {sorted(_METHODS)}.")
    axes = normalize_axes(axis, x.ndim, op)
    kept = [i for i in range(x.ndim) if i not in axes]
    count = math.prod(x.shape[i] for i in axes)
    if not count:
        raise ShapeError(
            f"{op}: expected at least one element along axes {axes}, got shape {tuple(x.shape)}"
        )
    lead = [x.shape[i] for i in kept]
    rows = _reshape(transpose(x, kept + axes), [*lead, count])
    ordered = apply("sort", {"axis": len(lead)}, [rows])
    flat = _reshape(points, [math.prod(points.shape)])
    result = _of_all(ordered, flat, method) if with_nan else _of_numbers(ordered, flat, method)
    result = moveaxis(result, -1, 0)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)] if keepdims else lead
    return _reshape(result, [*points.shape, *shape])


def _of_all(ordered: Any, points: Any, method: str) -> Any:
    """At places that the number of elements determines; NaN in rows with one."""
    axis, count = ordered.ndim - 1, ordered.shape[-1]
    # Of a number of elements that is not known shapes alone are asked for.
    last = np.float64(0 if isinstance(count, Size) else count - 1)
    low, high, weight = _places(binary("mul", points, last), method)
    a = apply("gather", {"axis": axis}, [ordered, as_dtype(low, "int32")])
    b = apply("gather", {"axis": axis}, [ordered, as_dtype(high, "int32")])
    dtype = standardize_dtype(ordered.dtype)
    result = _between(a, b, as_dtype(weight, dtype))
    if is_float_dtype(dtype):
        any_nan = reductions.any(unary("is_nan", ordered), axis=-1, keepdims=True)
        result = apply("select", {}, [any_nan, as_dtype(math.nan, dtype), result])
    return result


def _of_numbers(ordered: Any, points: Any, method: str) -> Any:
    """At places that the number of elements before NaN, which is last, determines; NaN where there
    are none."""
    axis, dtype = ordered.ndim - 1, standardize_dtype(ordered.dtype)
    numbers = as_dtype(unary("logical_not", unary("is_nan", ordered)), "float64")
    last = binary("sub", reductions.sum(numbers, axis=-1, keepdims=True), np.float64(1.0))
    position = binary("maximum", binary("mul", last, points), np.float64(0.0))
    low, high, weight = _places(position, method)
    a = apply("gather_along", {"axis": axis}, [ordered, as_dtype(low, "int32")])
    b = apply("gather_along", {"axis": axis}, [ordered, as_dtype(high, "int32")])
    return _between(a, b, as_dtype(weight, dtype))


def _points(op: str, q: Any) -> Any:
    """q in float64; one that is computed in the graph is cut to [0, 1]."""
    if is_traced(q):
        points = binary("maximum", as_dtype(q, "float64"), np.float64(0.0))
        return binary("minimum", points, np.float64(1.0))
    points = np.asarray(in_double(q))
    if points.size and not (0 <= points.min() and points.max() <= 1):
        raise ValueError(f"{op}: expected q in [0, 1], got {q}")
    return points


def _places(position: Any, method: str) -> tuple[Any, Any, Any]:
    """The places below and above a position, and the weight of the latter, below 1."""
    low, high = unary("floor", position), unary("ceil", position)
    weight = _METHODS[method](position, low, high)
    whole = binary("eq", weight, np.float64(1.0))
    low = apply("select", {}, [whole, high, low])
    return low, high, apply("select", {}, [whole, np.float64(0.0), weight])


def _between(a: Any, b: Any, weight: Any) -> Any:
    """a (1 - weight) + b weight; an infinite b that has no weight is not to make NaN."""
    dtype = standardize_dtype(weight.dtype)
    rest = binary("sub", as_dtype(1.0, dtype), weight)
    result = binary("add", binary("mul", a, rest), binary("mul", b, weight))
    return apply("select", {}, [binary("eq", weight, as_dtype(0.0, dtype)), a, result])


def _share(x: Any, part: float) -> Any:
    return binary("mul", as_dtype(x, "float64"), np.float64(part))


# The weight of the upper neighbour, by the position between the two.
_METHODS: dict[str, Any] = {
    "linear": lambda position, low, high: binary("sub", position, low),
    "lower": lambda position, low, high: _share(binary("gt", high, low), 0.0),
    "higher": lambda position, low, high: _share(binary("gt", high, low), 1.0),
    "midpoint": lambda position, low, high: _share(binary("gt", high, low), 0.5),
    "nearest": lambda position, low, high: binary("sub", unary("round", position), low),
}


@operation
def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """`quantile` with q in [0, 100], as NumPy's `np.percentile`.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    q : float or floats, or a tensor of them
        In [0, 100]; several make first axes of the result. In a trace q is cut to that range.
    axis : int, ints or None
        The axes that go away. Default None: all.
    method : str
        What lies between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
        Default "linear".
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of q, then that of x without the reduced axes; in its float dtype. NaN where an
        element is.

    Raises
    ------
    ValueError
        q outside [0, 100], or an unknown method.
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> percentile([1.0, 2.0, 4.0], 25.0).item()
    1.5
    """
    return _quantile("percentile", x, _shares("percentile", q), axis, method, keepdims)


@operation
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle element over axes, or the mean of the middle two, as NumPy's `np.median`.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype. NaN where an element is.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> median([3.0, 1.0, 2.0]).item()
    2.0
    """
    return _quantile("median", x, 0.5, axis, "linear", keepdims)


@operation
def nanquantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """`quantile` over elements that are not NaN, as NumPy's `np.nanquantile`.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    q : float or floats, or a tensor of them
        In [0, 1]; several make first axes of the result. In a trace q is cut to that range.
    axis : int, ints or None
        The axes that go away. Default None: all.
    method : str
        What lies between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
        Default "linear".
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of q, then that of x without the reduced axes; in its float dtype. NaN where all
        elements are.

    Raises
    ------
    ValueError
        q outside [0, 1], or an unknown method.
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanquantile([1.0, 3.0, float("nan")], 0.5).item()
    2.0
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, with_nan=False)


@operation
def nanpercentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """`percentile` over elements that are not NaN, as NumPy's `np.nanpercentile`.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    q : float or floats, or a tensor of them
        In [0, 100]; several make first axes of the result. In a trace q is cut to that range.
    axis : int, ints or None
        The axes that go away. Default None: all.
    method : str
        What lies between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
        Default "linear".
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of q, then that of x without the reduced axes; in its float dtype. NaN where all
        elements are.

    Raises
    ------
    ValueError
        q outside [0, 100], or an unknown method.
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanpercentile([1.0, 3.0, float("nan")], 50).item()
    2.0
    """
    shares = _shares("nanpercentile", q)
    return _quantile("nanpercentile", x, shares, axis, method, keepdims, with_nan=False)


@operation
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """`median` over elements that are not NaN, as NumPy's `np.nanmedian`.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    axis : int, ints or None
        The axes that go away. Default None: all.
    keepdims : bool
        Whether they stay with size 1. Default False.

    Returns
    -------
    tensor
        The shape of x without the reduced axes, in its float dtype. NaN where all elements are.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice; no elements.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> nanmedian([1.0, 3.0, float("nan")]).item()
    2.0
    """
    return _quantile("nanmedian", x, 0.5, axis, "linear", keepdims, with_nan=False)
