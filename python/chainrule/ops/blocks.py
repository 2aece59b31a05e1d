"""Parts of tensors: slices, their updates, scatters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_int_dtype, standardize_dtype
from chainrule.base.errors import DataError, DTypeError, ShapeError
from chainrule.base.sizes import as_size, may_be
from chainrule.ops._common import binary, normalize_axis, static_shape
from chainrule.ops._sized import filled, inside_block, numbers
from chainrule.ops.indexing import take_slice
from chainrule.tracing.arrays import storage_dtype
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced, keeps_gradient
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import KerasTensor

__all__ = ["scatter", "scatter_update", "slice", "slice_update", "unstack"]


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
    """The slices along `axis`, as a list of tensors with one axis less; as Keras's `ops.unstack`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.
    num : int, optional
        The number of slices; needed where a symbolic tensor does not know it.
    axis : int
        Along which x is cut. Default 0.

    Returns
    -------
    list of tensors
        Each of the shape of x without `axis`, in its dtype.

    Raises
    ------
    ShapeError
        `num` is not the size of the axis, or an axis that `x` does not have.
    ValueError
        An unknown size and no `num`.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> [row.tolist() for row in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim, "unstack")
    size = x.shape[axis]
    if num is not None and not may_be(num, size):
        raise ShapeError(f"unstack: expected `num` to be the size {size} of axis {axis}, got {num}")
    return [take_slice(x, axis, i) for i in range(size if num is None else num)]


@operation
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """The block of `shape` that begins at `start_indices`, as `jax.lax.dynamic_slice`.

    Inside a trace the indices may be traced (then each axis is gathered).

    Parameters
    ----------
    inputs : tensor
        Of any shape and dtype.
    start_indices : ints or integer tensor
        One for each axis, from 0 up.
    shape : ints
        Sizes of the block, one for each axis; -1 means up to the end.

    Returns
    -------
    tensor
        The shape `shape`, in the dtype of `inputs`.

    Raises
    ------
    ShapeError
        Lists of another length than `inputs` has axes, or a block that leaves the tensor.
    ValueError, TypeError
        Indices that are no integers, or no sequence.
    DTypeError
        `inputs` holds no numbers.

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
    start = [as_size(i) for i in _items(start_indices)]
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
    if -1 in sizes:
        raise ShapeError(
            f"slice: sizes of -1 need start indices that are known while tracing, got shape={sizes}"
        )
    for axis, start in enumerate(_items(start_indices)):
        index = as_dtype(start, "int32") + numbers(sizes[axis])
        x = apply("gather", {"axis": axis}, [x, index])
    return x


@operation
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """`inputs` with the block that begins at `start_indices` replaced, as
    `jax.lax.dynamic_update_slice`.

    Parameters
    ----------
    inputs : tensor
        Of any shape and dtype.
    start_indices : ints or integer tensor
        One for each axis, from 0 up; may be traced.
    updates : tensor
        The block, with as many axes as `inputs`; cast to its dtype.

    Returns
    -------
    tensor
        The shape and the dtype of `inputs`.

    Raises
    ------
    ShapeError
        Numbers of indices or axes that differ, or a block that leaves the tensor.
    ValueError, TypeError
        Indices that are no integers, or no sequence.
    DTypeError
        An argument that holds no numbers.

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
    start = [as_size(i) for i in _items(start_indices)]
    for axis, (n, i, s) in enumerate(zip(x.shape, start, updates.shape)):
        if not 0 <= i <= i + s <= n:
            raise ShapeError(
                f"slice_update: an update of size {s} at {i} leaves axis {axis} of size {n}"
            )
    attrs = {"shape": list(x.shape), "start": start, "step": [1] * len(start)}
    inside = inside_block(x.shape, start, updates.shape)
    return apply("select", {}, [inside, apply("slice_grad", attrs, [updates]), x])


def _dynamic_update(x: Any, start_indices: list[Any], updates: Any) -> Any:
    inside: Any = np.ones((1,) * x.ndim, "bool")
    for axis, start in enumerate(start_indices):
        size = updates.shape[axis]
        place = numbers(x.shape[axis]) - as_dtype(start, "int32")
        hit = binary("logical_and", place >= 0, place < size)
        index = apply("select", {}, [hit, place, np.int32(0)])
        updates = apply("gather", {"axis": axis}, [updates, index])
        line = [n if i == axis else 1 for i, n in enumerate(x.shape)]
        inside = binary("logical_and", inside, apply("reshape", {"shape": line}, [hit]))
    return apply("select", {}, [inside, updates, x])


def _flat_indices(indices: Any, shape: tuple[int, ...]) -> Any:
    """Row-major numbers of index vectors `(..., k)` into the first k axes of `shape`.

    While tracing, a vector with an index out of range gets a number out of range.
    """
    indices = as_dtype(indices, "int32")
    flat: Any = filled(indices.shape[:-1], 0, "int32")
    outside: Any = filled(indices.shape[:-1], False, "bool")
    for axis in range(indices.shape[-1]):
        column = take_slice(indices, indices.ndim - 1, axis)
        size = as_dtype(shape[axis], "int32")
        column = apply("select", {}, [column < 0, column + size, column])
        flat = flat * size + column
        wrong = binary("logical_or", column < 0, column >= size)
        outside = binary("logical_or", outside, wrong)
    if isinstance(outside, np.ndarray) and outside.any():
        place = np.asarray(indices)[outside][0].tolist()
        raise DataError(f"scatter: expected indices inside {tuple(shape)}, got {place}")
    beyond = as_dtype(math.prod(shape[: indices.shape[-1]]), "int32")
    return apply("select", {}, [outside, beyond, flat])


@operation
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Zeros of `shape`, with `values` added at `indices`; as TensorFlow's `tf.scatter_nd`.

    Parameters
    ----------
    indices : integer tensor (..., k)
        Places along the first k axes; negative ones count from the end.
    values : tensor (..., *shape[k:])
        What is added; numbers at one place add up.
    shape : int or ints
        Of the result.

    Returns
    -------
    tensor
        The shape `shape`, in the dtype of `values`.

    Raises
    ------
    ShapeError
        `indices` without axes, k above the number of sizes, or `values` whose number of elements
        does not fit.
    DataError
        An index out of range.
    DTypeError
        `values` holds booleans, `indices` other than integers, or an argument holds no numbers.

    Examples
    --------
    >>> scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (4,)).tolist()
    [1.0, 0.0, 5.0, 0.0]
    """
    shape = static_shape(shape)
    values = as_tensor(values)
    indices = as_tensor(indices)
    if not is_int_dtype(indices.dtype):
        raise DTypeError(f"scatter: expected `indices` of integers, got {indices.dtype}")
    k = indices.shape[-1] if indices.ndim else 0
    if not indices.ndim or k > len(shape):
        raise ShapeError(
            f"scatter: expected `indices` of shape (..., k) with k up to {len(shape)}, the axes of "
            f"`shape`, got {tuple(indices.shape)}"
        )
    rest = shape[k:]
    if not may_be(math.prod(values.shape), math.prod([*indices.shape[:-1], *rest])):
        raise ShapeError(
            f"scatter: expected `values` of shape {(*indices.shape[:-1], *rest)}, "
            f"got {tuple(values.shape)}"
        )
    rows = math.prod(shape[:k])
    flat = _flat_indices(indices, shape)
    flat = apply("reshape", {"shape": [math.prod(flat.shape)]}, [flat])
    values = apply("reshape", {"shape": [flat.shape[0], *rest]}, [values])
    out = apply("scatter_add", {"axis": 0, "size": rows}, [values, flat])
    return apply("reshape", {"shape": list(shape)}, [out])


@operation
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """`inputs` with `updates` written at `indices`, or combined there by `reduction`; as Keras's
    `ops.scatter_update`.

    Parameters
    ----------
    inputs : tensor
        Of any shape and dtype.
    indices : integer tensor (n, k)
        Places along the first k axes.
    updates : tensor (n, *inputs.shape[k:])
        Cast to the dtype of `inputs`.
    reduction : None, "add", "max", "min" or "mul"
        How an update joins what is there; None replaces it. Inside a trace: None (indices must not
        repeat) or "add". Default None.

    Returns
    -------
    tensor
        The shape and the dtype of `inputs`.

    Raises
    ------
    ValueError
        An unknown reduction, or `updates` whose shape does not fit.
    IndexError
        An index out of range, or of too many axes.
    TypeError
        Another reduction than None and "add" inside a trace.
    DTypeError
        An argument that holds no numbers.

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
    if not is_traced(indices) and not keeps_gradient(x) and not keeps_gradient(updates):
        return _scatter_numpy(x, indices, updates, reduction)
    if reduction == "add":
        return binary("add", x, scatter(indices, updates, x.shape))
    if reduction is not None:
        raise TypeError(f"scatter_update: reduction={reduction!r} works on arrays only")
    kind = standardize_dtype(x.dtype) if x.dtype != "bool" else "int32"
    ones = filled(updates.shape, 1, storage_dtype(kind))
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
        ufuncs: dict[str, np.ufunc] = {
            "add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply
        }
        ufuncs[reduction].at(result, index, updates)
    return result
