"""Order: sorts, quantiles, histograms, correlations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, result_type, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size
from chainrule.ops import reductions
from chainrule.ops._common import binary, eager_only, normalize_axes, normalize_axis, unary
from chainrule.ops.shaping import _reshape, moveaxis, transpose
from chainrule.tracing.arrays import storage_dtype
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = [
    "argpartition", "argsort", "corrcoef", "histogram", "median", "percentile", "quantile",
    "sort", "unique",
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
def quantile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-quantiles over axes, as NumPy's `np.quantile`: q = 0 the least, 1 the largest element.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    q : float or floats
        In [0, 1]; several make first axes of the result.
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


def _quantile(op: str, x: Any, q: Any, axis: Any, method: str, keepdims: bool) -> Any:
    x = as_tensor(x)
    if standardize_dtype(x.dtype) == "int64":
        x = as_dtype(x, floatx())
    x = as_dtype(x, result_type(x.dtype, float))
    dtype = standardize_dtype(x.dtype)
    points = np.asarray(as_tensor(q), "float64")
    if points.size and not (0 <= points.min() and points.max() <= 1):
        raise ValueError(f"quantile: expected q in [0, 1], got {q}")
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
    # Of a number of elements that is not known shapes alone are asked for.
    position = points.reshape(-1) * (0 if isinstance(count, Size) else count - 1)
    low, high, weight = _neighbours(position, method)
    a = apply("gather", {"axis": len(lead)}, [ordered, low])
    b = apply("gather", {"axis": len(lead)}, [ordered, high])
    w = weight.astype(storage_dtype(dtype))
    result = binary("add", binary("mul", a, (1 - w).astype(w.dtype)), binary("mul", b, w))
    # An infinite neighbour that has no weight is not to make NaN.
    result = apply("select", {}, [w == 0, a, result])
    if is_float_dtype(dtype):
        any_nan = reductions.any(unary("is_nan", ordered), axis=-1, keepdims=True)
        result = apply("select", {}, [any_nan, as_dtype(math.nan, dtype), result])
    result = moveaxis(result, -1, 0)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)] if keepdims else lead
    return _reshape(result, [*points.shape, *shape])


def _neighbours(position: Any, method: str) -> tuple[Any, Any, Any]:
    low, high = np.floor(position), np.ceil(position)
    weights = {
        "linear": position - low,
        "lower": np.zeros_like(position),
        "higher": (high > low).astype("float64"),
        "midpoint": (high > low) * 0.5,
        "nearest": np.round(position) - low,
    }
    if method not in weights:
        raise ValueError(f"Invalid method: {method!r}. Expected one of {sorted(weights)}.")
    weight = weights[method]
    low = np.where(weight == 1, high, low)
    return low.astype("int32"), high.astype("int32"), np.where(weight == 1, 0.0, weight)


@operation
def percentile(
    x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """`quantile` with q in [0, 100], as NumPy's `np.percentile`.

    Parameters
    ----------
    x : tensor
        Of any shape, with elements; integers and booleans become floats.
    q : float or floats
        In [0, 100]; several make first axes of the result.
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
    shares = np.asarray(as_tensor(q), "float64") / 100.0
    if shares.size and not (0 <= shares.min() and shares.max() <= 1):
        raise ValueError(f"percentile: expected q in [0, 100], got {q}")
    return _quantile("percentile", x, shares, axis, method, keepdims)


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


def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different elements of x, ascending, as NumPy's `np.unique` (arrays only).

    NaN differs from NaN. With indices or counts asked for, the result is a tuple in the order of
    the arguments.

    Parameters
    ----------
    x : tensor
        Of any shape, numbers or booleans.
    sorted : bool
        Kept for Keras's signature: the elements are sorted anyway. Default True.
    return_index : bool
        Whether to give where each element stands first. Default False.
    return_inverse : bool
        Whether to give the number of each element of x in the result. Default False.
    return_counts : bool
        Whether to give how often each element occurs. Default False.
    axis : int or None
        Along which slices are compared. Default None: x flattened.
    size : int, optional
        To how many elements the result is cut or filled up.
    fill_value : float, optional
        What fills up. Default 0.

    Returns
    -------
    tensor or tuple of tensors
        (count,) in the dtype of x, or `size` along `axis`; indices and counts as int64.

    Raises
    ------
    ValueError
        An axis that is not there.
    TypeError
        A traced argument, or an axis that is no integer.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> unique([3, 1, 3]).tolist()
    [1, 3]
    """
    options: dict[str, Any] = {
        "return_index": return_index,
        "return_inverse": return_inverse,
        "return_counts": return_counts,
        "axis": axis,
        "equal_nan": False,
    }
    found = eager_only(lambda a: np.unique(a, **options), x, name="unique")
    parts = list(found) if isinstance(found, tuple) else [found]
    if size is not None:
        place = 0 if axis is None else normalize_axis(axis, parts[0].ndim, "unique")
        parts[0] = _to_size(parts[0], place, size, 0 if fill_value is None else fill_value)
        if return_index:
            parts[1] = _to_size(parts[1], 0, size, 1)
        if return_counts:
            parts[-1] = _to_size(parts[-1], 0, size, 0)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _to_size(x: Any, axis: int, size: int, fill: Any) -> Any:
    if x.shape[axis] >= size:
        return np.take(x, np.arange(size), axis)
    widths = [(0, size - n if i == axis else 0) for i, n in enumerate(x.shape)]
    return np.pad(x, widths, constant_values=fill)


def histogram(x: Any, bins: Any = 10, range: Any = None) -> Any:
    """Counts of elements in bins of one width, and the bins' edges, as NumPy's `np.histogram`
    (arrays only).

    Parameters
    ----------
    x : tensor
        Of any shape, finite numbers unless `range` is given.
    bins : int or floats
        How many, or the edges themselves, ascending. Default 10.
    range : (float, float), optional
        The outer edges; elements outside count nowhere. Default: the least and the largest element.

    Returns
    -------
    tuple of tensors
        int32 (bins,) counts and (bins + 1,) edges in `floatx()`.

    Raises
    ------
    ValueError
        Fewer than 1 bin, a range that is no ascending pair, or no finite one.
    TypeError
        A traced argument.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> histogram([1.0, 2.0, 2.0], bins=2)[0].tolist()
    [1, 2]
    """
    if isinstance(bins, int) and bins <= 0:
        raise ValueError(f"Argument `bins` should be a non-negative integer. Received: bins={bins}")
    if range and (len(range) < 2 or not isinstance(range, tuple)):
        raise ValueError(
            f"Argument `range` must be a tuple of two elements. Received: range={range}"
        )
    counts, edges = eager_only(lambda a: np.histogram(a, bins, range), x, name="histogram")
    return counts.astype("int32"), edges.astype(floatx())


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
