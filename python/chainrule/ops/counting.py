"""What elements there are, and how many: different ones, those of bins, those that are not 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import DataError, ShapeError
from chainrule.ops import reductions
from chainrule.ops._common import binary, block, eager_only, in_double, normalize_axis, unary
from chainrule.ops._sized import filled, numbers
from chainrule.ops.arithmetic import add
from chainrule.ops.positions import cumsum
from chainrule.ops.shaping import _reshape, ravel
from chainrule.ops.sorting import argsort
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["histogram", "nonzero", "unique"]


def _cut(x: Any, size: int, fill: Any) -> Any:
    """The first `size` elements of a vector, filled up where it has fewer."""
    n = x.shape[0]
    x = block(x, 0, 0, min(size, n))
    return x if n >= size else apply("concat", {"axis": 0}, [x, filled([size - n], fill, x.dtype)])


def _places(condition: Any, size: int) -> tuple[Any, Any]:
    """Where a vector of bools is true, the first `size` places, and which of those are some."""
    first = _cut(argsort(unary("logical_not", condition)), size, 0)
    count = reductions.sum(as_dtype(condition, "int32"))
    return first, binary("lt", numbers(size), count)


def _known_size(op: str, x: Any, size: Any) -> int:
    if size is None:
        raise TypeError(
            f"{op}: how many elements it gives hangs on values: works on arrays only, or give "
            "`size`, to which the result is cut or filled up"
        )
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
        raise ValueError(f"{op}: expected a `size` of 0 or more, got {size!r}")
    for n in x.shape:
        if not isinstance(n, int):
            raise ShapeError(f"{op}: expected known sizes, got {tuple(x.shape)}")
    return int(size)


@operation
def nonzero(x: Any, size: int | None = None, fill_value: int = 0) -> Any:
    """The indices of the elements that are not 0, one array an axis, as NumPy's `np.nonzero`; with
    `size` as `jax.numpy.nonzero`, which can be traced.

    Parameters
    ----------
    x : tensor
        Of one axis or more, numbers or booleans.
    size : int, optional
        To how many indices the result is cut or filled up; needed inside a trace.
    fill_value : int
        What fills up. Default 0.

    Returns
    -------
    tuple of tensors
        One int32 array (count,) or (size,) for each axis of x, in row-major order.

    Raises
    ------
    ValueError
        A scalar, or a `size` below 0.
    TypeError
        A traced argument without `size`.
    ShapeError
        `size`, and an axis of x that is not known.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [index.tolist() for index in nonzero([0, 3, 5])]
    [[1, 2]]
    >>> nonzero([0, 3, 5], size=3)[0].tolist()
    [1, 2, 0]
    """
    x = as_tensor(x)
    if size is None and not is_traced(x):
        return tuple(index.astype("int32") for index in eager_only(np.nonzero, x))
    if x.ndim == 0:
        raise ValueError("nonzero: expected one axis or more, got a scalar")
    size = _known_size("nonzero", x, size)
    places, there = _places(as_dtype(ravel(x), "bool"), size)
    fill = as_dtype(int(fill_value), "int32")
    found = []
    for n in reversed(x.shape):
        n = as_dtype(max(n, 1), "int32")
        found.append(apply("select", {}, [there, binary("mod", places, n), fill]))
        places = binary("floor_div", places, n)
    return tuple(reversed(found))


@operation
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
    """The different elements of x, ascending, as NumPy's `np.unique`; with `size` and no `axis` it
    can be traced.

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
        To how many elements the result is cut or filled up; needed inside a trace.
    fill_value : float, optional
        What fills up. Default 0.

    Returns
    -------
    tensor or tuple of tensors
        (count,) or (size,) in the dtype of x, or with that size along `axis`; indices, filled up
        with 1, and counts, with 0, as int32. Inverse numbers have the shape of x, or (n,).

    Raises
    ------
    ValueError
        An axis that is not there, or a `size` below 0.
    TypeError
        A traced argument without `size` or with `axis`, or an axis that is no integer.
    ShapeError
        A traced argument with an axis that is not known.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> unique([3, 1, 3]).tolist()
    [1, 3]
    """
    wanted = (return_index, return_inverse, return_counts)
    fill = 0 if fill_value is None else fill_value
    x = as_tensor(x)
    if is_traced(x):
        if axis is not None:
            raise TypeError("unique: with an `axis` it works on arrays only")
        parts = _unique_of_size(x, wanted, _known_size("unique", x, size), fill)
    else:
        parts = _unique_of_array(x, wanted, axis, size, fill)
    return parts[0] if len(parts) == 1 else tuple(parts)


def _unique_of_size(x: Any, wanted: tuple[bool, ...], size: int, fill: Any) -> list[Any]:
    shape, dtype = list(x.shape), standardize_dtype(x.dtype)
    n = math.prod(shape)
    flat = _reshape(x, [n])
    order = argsort(flat)
    ordered = apply("gather", {"axis": 0}, [flat, order])
    if dtype == "bool":
        ordered = as_dtype(ordered, "uint8")
    differs = binary("ne", block(ordered, 0, 1, n), block(ordered, 0, 0, n - 1)) if n else ordered
    is_first = apply("concat", {"axis": 0}, [filled([min(n, 1)], True, "bool"), as_dtype(differs, "bool")])
    places, there = _places(is_first, size)
    if not n:
        values = filled([size], fill, ordered.dtype)
    else:
        values = apply("gather", {"axis": 0}, [ordered, places])
        values = apply("select", {}, [there, values, as_dtype(fill, ordered.dtype)])
    parts = [as_dtype(values, dtype)]
    if wanted[0]:
        index = apply("gather", {"axis": 0}, [order, places]) if n else places
        parts.append(apply("select", {}, [there, index, np.int32(1)]))
    if wanted[1]:
        number = add(cumsum(as_dtype(is_first, "int32")), np.int32(-1))
        inverse = apply("gather", {"axis": 0}, [number, argsort(order)]) if n else number
        parts.append(_reshape(inverse, shape))
    if wanted[2]:
        # Each reaches to where the next begins, or to the end.
        begins, is_some = _places(is_first, size + 1)
        begins = apply("select", {}, [is_some, begins, np.int32(n)])
        counts = binary("sub", block(begins, 0, 1, size + 1), block(begins, 0, 0, size))
        parts.append(counts)
    return parts


def _unique_of_array(
    x: Any, wanted: tuple[bool, ...], axis: int | None, size: int | None, fill: Any
) -> list[Any]:
    options: dict[str, Any] = {
        **dict(zip(("return_index", "return_inverse", "return_counts"), wanted)),
        "axis": axis,
        "equal_nan": False,
    }
    found = eager_only(lambda a: np.unique(a, **options), x, name="unique")
    parts = list(found) if isinstance(found, tuple) else [found]
    parts[1:] = [part.astype("int32") for part in parts[1:]]
    if wanted[1]:
        at = 1 + wanted[0]
        parts[at] = parts[at].reshape(x.shape if axis is None else -1)
    if size is not None:
        place = 0 if axis is None else normalize_axis(axis, parts[0].ndim, "unique")
        parts[0] = _to_size(parts[0], place, _known_size("unique", x, size), fill)
        if wanted[0]:
            parts[1] = _to_size(parts[1], 0, size, 1)
        if wanted[2]:
            parts[-1] = _to_size(parts[-1], 0, size, 0)
    return parts


def _to_size(x: Any, axis: int, size: int, fill: Any) -> Any:
    if x.shape[axis] >= size:
        return np.take(x, np.arange(size), axis)
    widths = [(0, size - n if i == axis else 0) for i, n in enumerate(x.shape)]
    return np.pad(x, widths, constant_values=fill)


@operation
def histogram(x: Any, bins: Any = 10, range: Any = None) -> Any:
    """Counts of elements in bins of one width, and the bins' edges, as NumPy's `np.histogram`.

    Parameters
    ----------
    x : tensor
        Of any shape, finite numbers unless `range` is given; NaN counts nowhere.
    bins : int or floats
        How many, or the edges themselves, ascending. Default 10.
    range : (float, float), optional
        The outer edges; elements outside count nowhere. Default: the least and the largest element,
        or, where those are one, that and 0.5 to both sides; 0 and 1 for no elements.

    Returns
    -------
    tuple of tensors
        int32 (bins,) counts and (bins + 1,) edges in `floatx()`.

    Raises
    ------
    ValueError
        Fewer than 1 bin, edges that do not ascend, or a range that is no ascending pair of finite
        numbers.
    DataError
        An array with NaN or an infinity, and no range.
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
    x = as_dtype(ravel(x), "float64")
    if isinstance(bins, (int, np.integer)):
        low, high = _outer_edges(x, range)
        counts, edges = _count_even(x, int(bins), low, high)
    else:
        edges = in_double(bins)
        if edges.ndim != 1 or not is_traced(edges) and not bool((np.diff(edges) >= 0).all()):
            raise ValueError(f"histogram: expected ascending edges of 1 axis, got {bins}")
        counts = _count(x, edges)
    return counts, as_dtype(edges, floatx())


def _outer_edges(x: Any, range: Any) -> tuple[Any, Any]:
    if range:
        low, high = (float(end) for end in range)
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(
                f"histogram: expected a range of finite numbers that ascend, got {range}"
            )
        wide = 0.5 if low == high else 0.0
        return np.float64(low - wide), np.float64(high + wide)
    if x.shape[0] == 0:
        return np.float64(0.0), np.float64(1.0)
    if not is_traced(x) and not np.isfinite(x).all():
        raise DataError("histogram: expected finite numbers, or a `range`, got NaN or an infinity")
    low, high = reductions.min(x), reductions.max(x)
    wide = apply("select", {}, [binary("eq", low, high), np.float64(0.5), np.float64(0.0)])
    return binary("sub", low, wide), binary("add", high, wide)


def _count_even(x: Any, bins: int, low: Any, high: Any) -> tuple[Any, Any]:
    width = binary("sub", high, low)
    steps = binary("mul", np.arange(bins + 1, dtype="float64"), binary("div", width, np.float64(bins)))
    edges = binary("add", steps, low)
    last = filled([1], 1.0, "float64")
    edges = apply("concat", {"axis": 0}, [block(edges, 0, 0, bins), binary("mul", last, high)])
    place = binary("mul", binary("div", binary("sub", x, low), width), np.float64(bins))
    place = binary("minimum", unary("floor", place), np.float64(bins - 1))
    place = as_dtype(binary("maximum", place, np.float64(0.0)), "int32")
    # Rounding may have moved an element over an edge.
    lower = apply("gather", {"axis": 0}, [edges, place])
    place = binary("sub", place, as_dtype(binary("lt", x, lower), "int32"))
    place = binary("maximum", place, np.int32(0))
    upper = apply("gather", {"axis": 0}, [edges, add(place, np.int32(1))])
    place = add(place, as_dtype(binary("ge", x, upper), "int32"))
    place = binary("minimum", place, np.int32(bins - 1))
    inside = binary("logical_and", binary("ge", x, low), binary("le", x, high))
    return _add_up(inside, place, bins), edges


def _count(x: Any, edges: Any) -> Any:
    bins = edges.shape[0] - 1
    column = _reshape(x, [x.shape[0], 1])
    above = as_dtype(binary("ge", column, edges), "int32")
    place = add(reductions.sum(above, axis=1), np.int32(-1))
    place = binary("minimum", binary("maximum", place, np.int32(0)), np.int32(max(bins - 1, 0)))
    inside = binary("ge", x, block(edges, 0, 0, 1))
    inside = binary("logical_and", inside, binary("le", x, block(edges, 0, bins, bins + 1)))
    return _add_up(inside, place, bins)


def _add_up(inside: Any, place: Any, bins: int) -> Any:
    attrs = {"axis": 0, "size": bins}
    return apply("scatter_add", attrs, [as_dtype(inside, "int32"), place])
