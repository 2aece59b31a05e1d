"""Elements by position: `x[key]` and take."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_int_dtype, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size, broadcast
from chainrule.ops._common import block, normalize_axis
from chainrule.ops.comparison import _where
from chainrule.ops.shaping import _reshape, ravel, transpose
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recorder import is_recorded
from chainrule.tracing.recording import operation
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor

__all__ = ["get_item", "take", "take_along_axis", "take_slice"]


def take_slice(x: Any, axis: int, index: int) -> Any:
    """The elements with one index along one axis, which goes away; as NumPy's `np.take` of an int.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.
    axis : int
        Which axis; negative ones count from the last.
    index : int
        Which element, from 0 to the size of the axis - 1; negative ones count from the end.

    Returns
    -------
    tensor
        The shape of x without `axis`, in its dtype.

    Raises
    ------
    ShapeError
        No such axis or index.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> take_slice([[1, 2], [3, 4]], 0, 1).tolist()
    [3, 4]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim, "take_slice")
    size = x.shape[axis]
    if not -size <= index < size:
        raise ShapeError(
            f"take_slice: expected an index of {size} elements along axis {axis}, got {index}"
        )
    index %= size
    part = block(x, axis, index, index + 1)
    return _reshape(part, [n for i, n in enumerate(x.shape) if i != axis])


def _get_item_spec(x: Any, key: Any) -> KerasTensor:
    spec: KerasTensor = compute_output_spec(get_item, x, key)
    keys = list(key) if isinstance(key, tuple) else [key]
    if not all(k is None or k is Ellipsis or isinstance(k, (int, slice)) for k in keys):
        return spec
    shape: list[int | None] = []
    axis = 0
    for k in _without_ellipsis(keys, x.ndim):
        if k is None:
            shape.append(1)
            continue
        if isinstance(k, slice):
            free = x.shape[axis] is None and k != slice(None)
            shape.append(None if free else spec.shape[len(shape)])
        axis += 1
    return KerasTensor(shape, spec.dtype)


def _without_ellipsis(keys: list[Any], ndim: int) -> list[Any]:
    """One key an axis: the ellipsis, or the end, stands for full slices."""
    used = sum(k is not None and k is not Ellipsis for k in keys)
    if used > ndim:
        raise IndexError(f"too many indices: got {used} for a tensor with {ndim} axes")
    place = next((i for i, k in enumerate(keys) if k is Ellipsis), len(keys))
    return [*keys[:place], *[slice(None)] * (ndim - used), *keys[place + 1 :]]


@operation(spec=_get_item_spec)
def get_item(x: Any, key: Any) -> Any:
    """x[key], as NumPy's `np.ndarray.__getitem__`: integers, slices, None, an ellipsis, integer
    tensors.

    Boolean masks work on arrays only, since the shape of their result depends on values.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    key : int, slice, None, Ellipsis, integer tensor, or a tuple of them
        One for each axis from the first on; negative integers count from the end.

    Returns
    -------
    tensor
        The shape that the key leaves, in the dtype of x.

    Raises
    ------
    IndexError
        Too many indices, one out of range, or one that is no integer.
    TypeError
        A boolean mask inside a trace.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> get_item([[1, 2], [3, 4]], (slice(None), 1)).tolist()
    [2, 4]
    """
    x = as_tensor(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    if not is_traced(x) and not any(is_traced(k) for k in keys):
        if not is_recorded(x):
            return np.asarray(np.asarray(x)[_numpy_key(key)])
        keys = [place for k in keys for place in _places_of(k)]
    return _index(x, _without_ellipsis([_normal_key(k) for k in keys], x.ndim))


def _numpy_key(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_numpy_key(k) for k in key)
    return np.asarray(key) if hasattr(key, "__array__") else key


def _places_of(key: Any) -> Sequence[Any]:
    """A mask as the integers that it stands for, one array an axis."""
    if isinstance(key, (list, np.ndarray)) and np.asarray(key).dtype == bool:
        return np.nonzero(np.asarray(key))
    return (key,)


def _normal_key(key: Any) -> Any:
    if key is None or key is Ellipsis or isinstance(key, (int, Size, slice)):
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
        if isinstance(key, (int, Size)):
            a = _place(key, n, axis - 1)
            b, c = a + 1, 1
        elif isinstance(key, slice):
            a, b, c, count = _range(key, n)
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


def _place(index: int | Size, n: int | Size, axis: int) -> int | Size:
    """An index counted from the front; an unknown size is large enough for any."""
    if isinstance(index, int) and isinstance(n, int) and not -n <= index < n:
        raise IndexError(f"index {index} is out of bounds for axis {axis} of size {n}")
    return n + index if index < 0 else index


def _range(key: slice, n: int | Size) -> tuple[Any, Any, int, Any]:
    """First, end and step of a slice, and how many elements it has; an unknown size is large enough."""
    if not any(isinstance(x, Size) for x in (key.start, key.stop, n)):
        places = range(*key.indices(operator.index(n)))
        if not places:
            return 0, 0, 1, 0
        return places.start, places.stop, places.step, len(places)
    step = 1 if key.step is None else operator.index(key.step)
    if not step:
        raise ValueError("slice step cannot be zero")
    ends = (0, n) if step > 0 else (n - 1, -1)
    first, end = (
        default if x is None else n + x if x < 0 else x
        for x, default in zip((key.start, key.stop), ends)
    )
    span = end - first if step > 0 else first - end
    count = -(-span // abs(step))
    return first, end, step, count if isinstance(count, Size) else max(count, 0)


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
    """The elements of x at `indices` along `axis`, as NumPy's `np.take`.

    The gradient is added up at indices that repeat.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    indices : integer tensor
        Of any shape; negative ones count from the end, floats are cut to integers.
    axis : int or None
        Along which. Default None: x flattened.

    Returns
    -------
    tensor
        The shape of x with that of `indices` in the place of `axis`, in the dtype of x.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DataError
        An index out of range.
    DTypeError
        An argument that holds no numbers.

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
    """out[i][j] = x[i][indices[i][j]] and so on, elements along `axis` for each position; as
    NumPy's `np.take_along_axis`.

    Parameters
    ----------
    x : tensor
        Of one axis or more (any shape for axis None), any dtype.
    indices : integer tensor
        With as many axes, which broadcast with those of x but for `axis`; negative ones count from
        the end.
    axis : int or None
        Along which. Default None: both flattened.

    Returns
    -------
    tensor
        The broadcast shape with the size of `indices` along `axis`, in the dtype of x.

    Raises
    ------
    ShapeError
        Numbers of axes that differ, or an axis that is not there.
    ValueError
        Shapes that do not broadcast.
    DataError
        An index out of range.
    DTypeError
        An argument that holds no numbers.

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
    common = broadcast(
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
