"""Elements by position: `x[key]`, take, diagonals, counts and searches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.dispatch import apply, operation
from chainrule.dtypes import is_int_dtype, result_type, standardize_dtype
from chainrule.errors import DTypeError, ShapeError
from chainrule.ops._common import (
    as_dtype,
    as_tensor,
    binary,
    eager_only,
    is_traced,
    normalize_axis,
    promote,
    sequence,
)
from chainrule.ops.arithmetic import _where
from chainrule.ops.shaping import _reshape, block, moveaxis, ravel, transpose

__all__ = [
    "bincount", "diag", "diagflat", "diagonal", "digitize", "get_item", "isin", "nonzero",
    "searchsorted", "select", "take", "take_along_axis", "take_slice", "unravel_index",
]  # fmt: skip


def take_slice(x: Any, axis: int, index: int) -> Any:
    """The elements with one index along one axis, which goes away."""
    part = block(x, axis, index, index + 1)
    return _reshape(part, [n for i, n in enumerate(x.shape) if i != axis])


@operation
def get_item(x: Any, key: Any) -> Any:
    """x[key]: integers, slices, None, an ellipsis, and integer tensors.

    Boolean masks work on arrays only, since the shape of their result depends on values.

    Raises
    ------
    IndexError
        Too many indices, or one out of range.

    Examples
    --------
    >>> get_item([[1, 2], [3, 4]], (slice(None), 1)).tolist()
    [2, 4]
    """
    x = as_tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    if not is_traced(x) and not any(is_traced(k) for k in keys):
        return np.asarray(x[_numpy_key(key)])
    keys = [_normal_key(k) for k in keys]
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > x.ndim:
        raise IndexError(f"too many indices: got {used} for shape {tuple(x.shape)}")
    rest = [slice(None)] * (x.ndim - used)
    place = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    keys[place : place + 1] = rest
    return _index(x, keys)


def _numpy_key(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_numpy_key(k) for k in key)
    return np.asarray(key) if hasattr(key, "__array__") else key


def _normal_key(key: Any) -> Any:
    if key is None or key is Ellipsis or isinstance(key, (int, slice)):
        return key
    if isinstance(key, np.integer):
        return int(key)
    key = as_tensor(key)
    if standardize_dtype(key.dtype) == "bool":
        raise TypeError(
            "A boolean mask cannot index a traced tensor: the shape of the result would depend "
            "on values. Use `ops.where`."
        )
    if not is_int_dtype(key.dtype):
        raise IndexError(f"expected integers as indices, got dtype {key.dtype}")
    return key


def _index(x: Any, keys: list[Any]) -> Any:
    start, stop, step, shape = [], [], [], []
    arrays: list[tuple[int, Any]] = []
    axis = 0
    for key in keys:
        if key is None:
            shape.append(1)
            continue
        n = x.shape[axis]
        axis += 1
        if isinstance(key, int):
            if not -n <= key < n:
                raise IndexError(f"index {key} is out of bounds for axis {axis - 1} of size {n}")
            a, b, c = key % n, key % n + 1, 1
        elif isinstance(key, slice):
            a, b, c = key.indices(n)
            count = len(range(a, b, c))
            b = a if not count else b
            if not count:
                a, b, c = 0, 0, 1
            shape.append(count)
        else:
            a, b, c = 0, n, 1
            arrays.append((len(shape), key))
            shape.append(n)
        start.append(a)
        stop.append(b)
        step.append(c)
    whole = all(a == 0 and b == n and c == 1 for a, b, c, n in zip(start, stop, step, x.shape))
    if not whole:
        x = apply("slice", {"start": start, "stop": stop, "step": step}, [x])
    if list(x.shape) != shape:
        x = _reshape(x, shape)
    return _gather_axes(x, arrays) if arrays else x


def _gather_axes(x: Any, arrays: list[tuple[int, Any]]) -> Any:
    if len(arrays) == 1:
        axis, index = arrays[0]
        return apply("gather", {"axis": axis}, [x, as_dtype(index, "int32")])
    axes = [axis for axis, _ in arrays]
    flat: Any = np.asarray(0, "int32")
    for axis, index in arrays:
        size = np.int32(x.shape[axis])
        index = as_dtype(index, "int32")
        flat = flat * size + _where(index < 0, index + size, index)
    adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    others = [a for a in range(x.ndim) if a not in axes]
    place = axes[0] if adjacent else 0
    order = others[:place] + axes + others[place:]
    x = transpose(x, order)
    shape = list(x.shape)
    merged = math.prod(shape[place : place + len(axes)])
    x = _reshape(x, [*shape[:place], merged, *shape[place + len(axes) :]])
    return apply("gather", {"axis": place}, [x, flat])


@operation
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements of x at `indices` along `axis` (None: of x flattened).

    Negative indices count from the end.

    Raises
    ------
    DataError
        An index out of range.

    Examples
    --------
    >>> take([10, 20, 30], [2, 0]).tolist()
    [30, 10]
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    indices = as_tensor(indices)
    if not is_int_dtype(indices.dtype):
        indices = as_dtype(indices, "int32")
    return apply("gather", {"axis": normalize_axis(axis, x.ndim, "take")}, [x, indices])


@operation
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """out[i][j] = x[i][indices[i][j]] and so on: elements along `axis` for each position.

    Examples
    --------
    >>> take_along_axis([[1, 2], [3, 4]], [[1], [0]], 1).tolist()
    [[2], [3]]
    """
    x, indices = as_tensor(x), as_tensor(indices)
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    axis = normalize_axis(axis, x.ndim, "take_along_axis")
    if x.ndim != indices.ndim:
        raise ShapeError(
            "take_along_axis: `x` and `indices` must have as many axes, got shapes "
            f"{tuple(x.shape)} and {tuple(indices.shape)}"
        )
    if not is_int_dtype(indices.dtype):
        indices = as_dtype(indices, "int32")
    common = np.broadcast_shapes(
        tuple(1 if i == axis else n for i, n in enumerate(x.shape)),
        tuple(1 if i == axis else n for i, n in enumerate(indices.shape)),
    )
    x, indices = (
        _expand(t, [t.shape[axis] if i == axis else n for i, n in enumerate(common)])
        for t in (x, indices)
    )
    return apply("gather_along", {"axis": axis}, [x, indices])


def _expand(x: Any, shape: list[int]) -> Any:
    return x if list(x.shape) == shape else apply("broadcast_to", {"shape": shape}, [x])


@operation
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal of the matrices in two axes, as the last axis of the result.

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
    index = np.diagonal(np.arange(rows * columns, dtype="int32").reshape(rows, columns), offset)
    flat = _reshape(x, [*x.shape[:-2], rows * columns])
    return apply("gather", {"axis": flat.ndim - 1}, [flat, np.ascontiguousarray(index)])


@operation
def diag(x: Any, k: int = 0) -> Any:
    """A matrix with x on its k-th diagonal, or the k-th diagonal of a matrix.

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
    n = x.shape[0] + abs(k)
    row = np.arange(x.shape[0], dtype="int32")
    index = (row + max(-k, 0)) * n + row + max(k, 0)
    return _reshape(apply("scatter_add", {"axis": 0, "size": n * n}, [x, index]), [n, n])


@operation
def diagflat(x: Any, k: int = 0) -> Any:
    """A matrix with the flattened x on its k-th diagonal.

    Examples
    --------
    >>> diagflat([[1, 2]]).tolist()
    [[1, 0], [0, 2]]
    """
    return diag(ravel(x), k)


@operation
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """For each element the choice of the first true condition, else `default`.

    Examples
    --------
    >>> select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            "select: expected as many conditions as choices, at least one, "
            f"got {len(condlist)} and {len(choicelist)}"
        )
    *choices, result = promote(*choicelist, default)
    for condition, choice in reversed(list(zip(condlist, choices))):
        result = _where(condition, choice, result)
    return result


@operation
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Where each value would go into a sorted 1-D tensor, as int32.

    With side "left" before equal elements, with "right" after them.

    Examples
    --------
    >>> searchsorted([1, 2, 3], [2, 5]).tolist()
    [1, 3]
    """
    line, values = as_tensor(sorted_sequence), as_tensor(values)
    if line.ndim != 1:
        raise ValueError(
            "`searchsorted` only supports 1-D sorted sequences. "
            f"Received: sorted_sequence.shape={tuple(line.shape)}"
        )
    line, values = promote(line, values)
    column = _reshape(values, [*values.shape, 1])
    before = binary("lt" if side == "left" else "le", line, column)
    attrs = {"function": "sum", "axes": [values.ndim], "keepdims": False}
    return apply("reduce", attrs, [as_dtype(before, "int32")])


@operation
def digitize(x: Any, bins: Any) -> Any:
    """The number of bin edges that are at most x, for ascending `bins`, as int32.

    Examples
    --------
    >>> digitize([0.5, 1.5], [0.0, 1.0]).tolist()
    [1, 2]
    """
    return searchsorted(bins, x, side="right")


@operation
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element of x1 is among those of x2.

    Examples
    --------
    >>> isin([1, 2, 3], [2]).tolist()
    [False, True, False]
    """
    x1, x2 = promote(as_tensor(x1), as_tensor(x2))
    if standardize_dtype(x1.dtype) == "bool":
        x1, x2 = as_dtype(x1, "uint8"), as_dtype(x2, "uint8")
    same = binary("eq", _reshape(x1, [*x1.shape, 1]), ravel(x2))
    found = apply("reduce", {"function": "any", "axes": [x1.ndim], "keepdims": False}, [same])
    return apply("unary", {"function": "logical_not"}, [found]) if invert else found


@operation
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """How often each number from 0 occurs in x, or the sum of its weights; rows of a 2-D x apart.

    Inside a trace the length is `minlength`, which must then be above 0.

    Raises
    ------
    DTypeError
        When x holds no integers.

    Examples
    --------
    >>> bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    if sparse:
        raise ValueError("bincount: there are no sparse tensors, `sparse` must be False")
    x = as_tensor(x)
    if not is_int_dtype(x.dtype) and standardize_dtype(x.dtype) != "bool":
        raise DTypeError(f"bincount: expected integers, got dtype {x.dtype}")
    if x.ndim not in (1, 2):
        raise ShapeError(f"bincount: expected 1 or 2 axes, got shape {tuple(x.shape)}")
    size = int(minlength)
    if not is_traced(x):
        size = max(size, int(x.max()) + 1 if x.size else 0)
    elif size <= 0:
        raise ValueError("bincount: `minlength` must be above 0 while tracing")
    if weights is None:
        weights, dtype = np.ones(x.shape, "int32"), "int32"
    else:
        weights = as_tensor(weights)
        dtype = result_type(x.dtype, weights.dtype)
    hits = apply("one_hot", {"depth": size, "dtype": "bool"}, [as_dtype(x, "int32")])
    weights = as_dtype(weights, dtype)
    column = _reshape(weights, [*x.shape, 1])
    counted = apply("select", {}, [hits, column, as_dtype(0, dtype)])
    return apply("reduce", {"function": "sum", "axes": [x.ndim - 1], "keepdims": False}, [counted])


def nonzero(x: Any) -> Any:
    """The indices of the elements that are not 0, one int32 array an axis (arrays only).

    Examples
    --------
    >>> [index.tolist() for index in nonzero([0, 3, 5])]
    [[1, 2]]
    """
    return tuple(index.astype("int32") for index in eager_only(np.nonzero, x))


@operation
def unravel_index(indices: Any, shape: Any) -> Any:
    """The index along each axis of row-major positions in `shape`.

    Examples
    --------
    >>> [i.tolist() for i in unravel_index([3], (2, 2))]
    [[1], [1]]
    """
    flat = as_tensor(indices)
    dtype = standardize_dtype(flat.dtype)
    sizes = [int(n) for n in sequence(shape)]
    flat = _where(flat < 0, flat + math.prod(sizes), flat)
    found = []
    for n in reversed(sizes):
        found.append(binary("mod", flat, as_dtype(n, dtype)))
        flat = binary("floor_div", flat, as_dtype(n, dtype))
    return tuple(reversed(found))
