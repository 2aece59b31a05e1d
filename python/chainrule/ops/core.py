"""Conversions, dtypes and shapes of tensors; slices, scatters and updates of parts."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.dispatch import apply, constant, operation, storage_dtype
from chainrule.dtypes import is_float_dtype, standardize_dtype
from chainrule.errors import ShapeError
from chainrule.ops._common import (
    as_dtype,
    as_tensor,
    binary,
    is_traced,
    normalize_axis,
    static_shape,
)
from chainrule.tensor import KerasTensor
from chainrule.variable import Variable

__all__ = [
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "custom_gradient",
    "dtype",
    "is_tensor",
    "saturate_cast",
    "scatter",
    "scatter_update",
    "shape",
    "slice",
    "slice_update",
    "stop_gradient",
    "unstack",
]


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """`x` as an ndarray, or as a traced tensor inside a trace.

    Python numbers become int32, bool or `floatx()`; arrays keep their dtype unless `dtype` is
    given. Symbolic tensors come back as they are, or cast.

    Raises
    ------
    DTypeError
        Strings and objects.
    ValueError
        `sparse=True` or `ragged=True`; lists of uneven length.

    Examples
    --------
    >>> convert_to_tensor([1, 2]).dtype.name, convert_to_tensor([1.0, 2.0]).dtype.name
    ('int32', 'float32')
    """
    if sparse or ragged:
        raise ValueError("chainrule has dense tensors only: `sparse` and `ragged` must be False")
    if isinstance(x, KerasTensor) and x.is_symbolic:
        return x if dtype is None else cast(x, dtype)
    if dtype is not None:
        return as_dtype(x, standardize_dtype(dtype))
    x = as_tensor(x)
    if isinstance(x, np.ndarray):
        standardize_dtype(x.dtype)
    return x


def convert_to_numpy(x: Any) -> Any:
    """`x` as an ndarray of its own.

    Raises
    ------
    TypeError, ValueError
        A traced or symbolic tensor.

    Examples
    --------
    >>> convert_to_numpy([1.0]).tolist()
    [1.0]
    """
    return np.array(x if isinstance(x, (Variable, KerasTensor)) else constant(x))


def is_tensor(x: Any) -> bool:
    """Whether `x` is an array or a traced tensor.

    Examples
    --------
    >>> is_tensor(np.ones(2)), is_tensor([1.0])
    (True, False)
    """
    return isinstance(x, (np.ndarray, np.generic)) or is_traced(x)


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of the axes; None where a symbolic tensor does not know.

    Examples
    --------
    >>> shape(np.ones((2, 3)))
    (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else tuple(as_tensor(x).shape)


def dtype(x: Any) -> str:
    """The dtype's name.

    Examples
    --------
    >>> dtype(np.ones(2))
    'float64'
    """
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else as_tensor(x).dtype)


@operation
def cast(x: Any, dtype: Any) -> Any:
    """`x` with its numbers in another dtype; floats are cut towards zero to become integers.

    Examples
    --------
    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    return as_dtype(x, standardize_dtype(dtype))


@operation
def saturate_cast(x: Any, dtype: Any) -> Any:
    """As `cast`, with numbers outside the range of `dtype` moved to its ends.

    Examples
    --------
    >>> saturate_cast([-1.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    target = standardize_dtype(dtype)
    x = as_tensor(x)
    now = standardize_dtype(x.dtype)
    low, high = _dtype_range(target)
    own_low, own_high = _dtype_range(now)
    if now != "bool" and (low > own_low or high < own_high):
        x = binary("maximum", x, as_dtype(_into(max(low, own_low), now, up=True), now))
        x = binary("minimum", x, as_dtype(_into(min(high, own_high), now, up=False), now))
    return as_dtype(x, target)


def _dtype_range(name: str) -> tuple[Any, Any]:
    if name == "bool":
        return 0, 1
    if name == "bfloat16":
        return -3.3895313892515355e38, 3.3895313892515355e38
    if is_float_dtype(name):
        info = np.finfo(storage_dtype(name))
        return float(info.min), float(info.max)
    limits = np.iinfo(name)
    return int(limits.min), int(limits.max)


def _into(limit: Any, name: str, up: bool) -> Any:
    """The number of float dtype `name` nearest to `limit` that does not pass it."""
    if not is_float_dtype(name) or isinstance(limit, float):
        return limit
    kind = storage_dtype(name).type
    near = kind(limit)
    if int(near) < limit and up:
        return float(np.nextafter(near, kind(math.inf)))
    if int(near) > limit and not up:
        return float(np.nextafter(near, kind(-math.inf)))
    return float(near)


@operation
def stop_gradient(variable: Any) -> Any:
    """`x` itself, with derivative zero.

    Examples
    --------
    >>> stop_gradient([1.0]).tolist()
    [1.0]
    """
    x = as_tensor(variable)
    return apply("stop_gradient", {}, [x]) if is_traced(x) else x


def _unstack_spec(x: Any, num: int | None = None, axis: int = 0) -> list[KerasTensor]:
    place = normalize_axis(axis, x.ndim, "unstack")
    count = x.shape[place] if num is None else num
    if count is None:
        raise ValueError(
            f"Cannot infer argument `num` from shape {x.shape}. Either provide a tensor with a "
            "concrete shape in the `axis` dimension or explicitly pass the `num` argument."
        )
    shape = [n for i, n in enumerate(x.shape) if i != place]
    return [KerasTensor(shape, x.dtype) for _ in range(count)]


@operation(spec=_unstack_spec)
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Any]:
    """The slices along `axis`, as a list of tensors with one axis less.

    Raises
    ------
    ValueError
        When `num` is given and is not the axis's size, or the size is unknown.

    Examples
    --------
    >>> [row.tolist() for row in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    from chainrule.ops.indexing import take_slice

    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim, "unstack")
    size = x.shape[axis]
    if num is not None and num != size:
        raise ShapeError(f"unstack: expected `num` to be the size {size} of axis {axis}, got {num}")
    return [take_slice(x, axis, i) for i in range(size)]


@operation
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """The block of `shape` that begins at `start_indices`; -1 means up to the end.

    Inside a trace the indices may be traced (then each axis is gathered).

    Raises
    ------
    ValueError
        Lists of different lengths; a block that leaves the tensor.

    Examples
    --------
    >>> slice(np.arange(6).reshape(2, 3), [0, 1], [2, 2]).tolist()
    [[1, 2], [4, 5]]
    """
    x = as_tensor(inputs)
    _check_block("slice", x, start_indices)
    if len(shape) != x.ndim:
        raise ShapeError(
            "The number of dimensions in `inputs` must match the number of dimensions in `shape`. "
            f"Received: inputs.shape={tuple(x.shape)}, shape={tuple(shape)}"
        )
    if is_traced(start_indices) or any(is_traced(i) for i in _items(start_indices)):
        return _dynamic_slice(x, start_indices, static_shape(shape))
    start = [int(i) for i in _items(start_indices)]
    sizes = [n - i if s == -1 else int(s) for n, i, s in zip(x.shape, start, shape)]
    for axis, (n, i, s) in enumerate(zip(x.shape, start, sizes)):
        if not 0 <= i <= i + s <= n:
            raise ShapeError(
                f"slice: expected 0 <= start <= start + size <= {n} on axis {axis}, "
                f"got start {i} and size {s}"
            )
    stop = [i + s for i, s in zip(start, sizes)]
    return apply("slice", {"start": start, "stop": stop, "step": [1] * len(start)}, [x])


def _check_block(op: str, x: Any, start_indices: Any) -> None:
    if len(start_indices) != x.ndim:
        raise ShapeError(
            "The number of dimensions in `start_indices` must match the number of dimensions in "
            f"`inputs`. Received: {op} of inputs.shape={tuple(x.shape)} at {len(start_indices)} "
            "indices"
        )


def _items(indices: Any) -> list[Any]:
    if isinstance(indices, np.ndarray):
        return list(indices.reshape(-1))
    return list(indices)


def _dynamic_slice(x: Any, start_indices: Any, sizes: tuple[int, ...]) -> Any:
    for axis, start in enumerate(_items(start_indices)):
        index = as_dtype(start, "int32") + np.arange(sizes[axis], dtype="int32")
        x = apply("gather", {"axis": axis}, [x, index])
    return x


@operation
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """`inputs` with the block that begins at `start_indices` replaced by `updates`.

    Examples
    --------
    >>> slice_update([1, 2, 3, 4], [1], [8, 9]).tolist()
    [1, 8, 9, 4]
    """
    x = as_tensor(inputs)
    updates = as_dtype(updates, standardize_dtype(x.dtype))
    _check_block("slice_update", x, start_indices)
    if any(is_traced(i) for i in (start_indices, *_items(start_indices))):
        return _dynamic_update(x, _items(start_indices), updates)
    start = [int(i) for i in _items(start_indices)]
    for axis, (n, i, s) in enumerate(zip(x.shape, start, updates.shape)):
        if not 0 <= i <= i + s <= n:
            raise ShapeError(
                f"slice_update: an update of size {s} at {i} leaves axis {axis} of size {n}"
            )
    attrs = {"shape": list(x.shape), "start": start, "step": [1] * len(start)}
    inside = np.zeros(x.shape, "bool")
    inside[tuple(np.s_[i : i + s] for i, s in zip(start, updates.shape))] = True
    return apply("select", {}, [inside, apply("slice_grad", attrs, [updates]), x])


def _dynamic_update(x: Any, start_indices: list[Any], updates: Any) -> Any:
    inside: Any = np.ones((1,) * x.ndim, "bool")
    for axis, start in enumerate(start_indices):
        size = updates.shape[axis]
        place = np.arange(x.shape[axis], dtype="int32") - as_dtype(start, "int32")
        hit = binary("logical_and", place >= 0, place < size)
        index = apply("select", {}, [hit, place, np.int32(0)])
        updates = apply("gather", {"axis": axis}, [updates, index])
        line = [n if i == axis else 1 for i, n in enumerate(x.shape)]
        inside = binary("logical_and", inside, apply("reshape", {"shape": line}, [hit]))
    return apply("select", {}, [inside, updates, x])


def _flat_indices(indices: Any, shape: tuple[int, ...]) -> Any:
    """Row-major numbers of index vectors `(..., k)` into the first k axes of `shape`."""
    from chainrule.ops.indexing import take_slice

    indices = as_dtype(indices, "int32")
    flat: Any = np.zeros(indices.shape[:-1], "int32")
    for axis in range(indices.shape[-1]):
        column = take_slice(indices, indices.ndim - 1, axis)
        size = np.int32(shape[axis])
        column = apply(
            "select", {}, [column < 0, column + size, column]
        )
        flat = flat * size + column
    return flat


@operation
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of `shape`, with `values` added at `indices`.

    `indices` has shape (..., k) and addresses the first k axes; `values` has shape
    (..., *shape[k:]).

    Examples
    --------
    >>> scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (4,)).tolist()
    [1.0, 0.0, 5.0, 0.0]
    """
    shape = static_shape(shape)
    values = as_tensor(values)
    indices = as_tensor(indices)
    k = indices.shape[-1]
    rest = shape[k:]
    rows = math.prod(shape[:k])
    flat = _flat_indices(indices, shape)
    flat = apply("reshape", {"shape": [math.prod(flat.shape)]}, [flat])
    values = apply("reshape", {"shape": [flat.shape[0], *rest]}, [values])
    out = apply("scatter_add", {"axis": 0, "size": rows}, [values, flat])
    return apply("reshape", {"shape": list(shape)}, [out])


@operation
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """`inputs` with `updates` written at `indices`, or combined there by `reduction`.

    Parameters
    ----------
    inputs : tensor
    indices : ints (n, k)
        Address the first k axes of `inputs`.
    updates : tensor (n, *inputs.shape[k:])
    reduction : None, "add", "max", "min" or "mul"
        Inside a trace: None (indices must not repeat) or "add".

    Examples
    --------
    >>> scatter_update([1, 2, 3], [[0], [2]], [8, 9]).tolist()
    [8, 2, 9]
    """
    if reduction not in (None, "add", "max", "min", "mul"):
        raise ValueError(f"Unsupported reduction: {reduction}")
    x = as_tensor(inputs)
    updates = as_dtype(updates, standardize_dtype(x.dtype))
    indices = as_dtype(indices, "int32")
    if not any(is_traced(t) for t in (x, updates, indices)):
        return _scatter_numpy(x, indices, updates, reduction)
    if reduction == "add":
        return binary("add", x, scatter(indices, updates, x.shape))
    if reduction is not None:
        raise TypeError(f"scatter_update: reduction={reduction!r} works on arrays only")
    ones = np.ones(updates.shape, standardize_dtype(x.dtype) if x.dtype != "bool" else "int32")
    hit = scatter(indices, ones, x.shape)
    number = as_dtype(updates, "int32") if x.dtype == "bool" else updates
    new = as_dtype(scatter(indices, number, x.shape), standardize_dtype(x.dtype))
    return apply("select", {}, [as_dtype(hit, "bool"), new, x])


def _scatter_numpy(x: Any, indices: Any, updates: Any, reduction: str | None) -> Any:
    result = np.array(x)
    index = tuple(np.moveaxis(indices, -1, 0))
    if reduction is None:
        result[index] = updates
    else:
        ufunc: np.ufunc = {
            "add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply
        }[reduction]
        ufunc.at(result, index, updates)
    return result


class custom_gradient:
    """Decorator of a function `f(*args) -> (outputs, grad)`; only its forward is used.

    The derivative is that of the ops in the forward: chainrule differentiates graphs of ops, and
    takes no Python function as a derivative.
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun = fun
        functools.update_wrapper(self, fun)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outputs, _ = self.fun(*args, **kwargs)
        return outputs
