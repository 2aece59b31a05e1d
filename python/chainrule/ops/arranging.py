"""Elements in other places: flips, rolls, repeats, pads and triangles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.loading import take_elements
from chainrule.ops._common import (
    as_dtype,
    as_tensor,
    is_traced,
    normalize_axes,
    normalize_axis,
    sequence,
    static_shape,
)
from chainrule.ops.shaping import _reshape, broadcast_to, ravel, size, swapaxes
from chainrule.tracing.dispatch import apply, operation

__all__ = ["flip", "fliplr", "flipud", "pad", "repeat", "roll", "rot90", "tile", "tril", "triu"]


@operation
def flip(x: Any, axis: Any = None) -> Any:
    """x with the order of elements reversed along the axes.

    Examples
    --------
    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    x = as_tensor(x)
    axes = normalize_axes(axis, x.ndim, "flip")
    attrs = {
        "start": [n - 1 if i in axes else 0 for i, n in enumerate(x.shape)],
        "stop": [-1 if i in axes else n for i, n in enumerate(x.shape)],
        "step": [-1 if i in axes else 1 for i in range(x.ndim)],
    }
    return apply("slice", attrs, [x]) if math.prod(x.shape) else x


@operation
def fliplr(x: Any) -> Any:
    """x flipped along axis 1.

    Examples
    --------
    >>> fliplr([[1, 2]]).tolist()
    [[2, 1]]
    """
    return flip(x, 1)


@operation
def flipud(x: Any) -> Any:
    """x flipped along axis 0.

    Examples
    --------
    >>> flipud([1, 2]).tolist()
    [2, 1]
    """
    return flip(x, 0)


@operation
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """`array` turned k times by 90 degrees, from the first of `axes` towards the second.

    Raises
    ------
    ValueError
        Fewer than 2 axes, or `axes` not two different ones.

    Examples
    --------
    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    x = as_tensor(array)
    if x.ndim < 2:
        raise ValueError(
            f"Input array must have at least 2 dimensions. Received: array.ndim={x.ndim}"
        )
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"Invalid axes: {axes}. Axes must be a tuple of two different dimensions.")
    a, b = (normalize_axis(axis, x.ndim, "rot90") for axis in axes)
    turns = k % 4
    if turns == 2:
        return flip(x, (a, b))
    if turns == 1:
        return swapaxes(flip(x, b), a, b)
    return flip(swapaxes(x, a, b), b) if turns == 3 else x


@operation
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """x with elements moved by `shift` places; those that leave come in at the other end.

    Examples
    --------
    >>> roll([1, 2, 3, 4], 1).tolist()
    [4, 1, 2, 3]
    """
    from chainrule.ops.joining import concatenate

    x = as_tensor(x)
    if axis is None:
        return _reshape(roll(ravel(x), shift, 0), x.shape)
    axes, shifts = sequence(axis), sequence(shift)
    if len(shifts) == 1:
        shifts = list(shifts) * len(axes)
    for a, s in zip(axes, shifts):
        a = normalize_axis(a, x.ndim, "roll")
        size = x.shape[a]
        cut = (-int(s)) % size if size else 0
        if cut:
            x = concatenate([block(x, a, cut, size), block(x, a, 0, cut)], a)
    return x


def block(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    """Elements `start:stop:step` along one axis, for a positive step."""
    attrs = {
        "start": [start if i == axis else 0 for i in range(x.ndim)],
        "stop": [stop if i == axis else n for i, n in enumerate(x.shape)],
        "step": [step if i == axis else 1 for i in range(x.ndim)],
    }
    return apply("slice", attrs, [x])


@operation
def tile(x: Any, repeats: Any) -> Any:
    """x repeated as a whole `repeats` times along each axis.

    Examples
    --------
    >>> tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    x = as_tensor(x)
    times = [int(r) for r in static_shape(repeats)]
    rank = max(len(times), x.ndim)
    times = [1] * (rank - len(times)) + times
    shape = [1] * (rank - x.ndim) + list(x.shape)
    x = _reshape(x, [n for size in shape for n in (1, size)])
    x = broadcast_to(x, [n for pair in zip(times, shape) for n in pair])
    return _reshape(x, [t * n for t, n in zip(times, shape)])


@operation
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated `repeats` times along `axis` (None: of x flattened).

    `repeats` is a number, or one number an element (known numbers, not traced).

    Examples
    --------
    >>> repeat([1, 2], 2).tolist(), repeat([1, 2], [1, 2]).tolist()
    ([1, 1, 2, 2], [1, 2, 2])
    """
    x = as_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = normalize_axis(axis, x.ndim, "repeat")
    if is_traced(repeats):
        raise TypeError("repeat: `repeats` must be known while tracing, got a traced KerasTensor")
    counts = np.asarray(repeats)
    take_elements("repeat", int(counts.sum()) * (x.shape[axis] if counts.size == 1 else 1))
    index = np.repeat(np.arange(x.shape[axis], dtype="int32"), counts)
    return apply("gather", {"axis": axis}, [x, index])


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """x with elements added before and after along each axis.

    Parameters
    ----------
    x : tensor
    pad_width : int, (before, after), or one such pair for each axis
    mode : str
        "constant" (with `constant_values`, default 0), "edge", "reflect", "symmetric" or "wrap".

    Examples
    --------
    >>> pad([1, 2], 1).tolist()
    [0, 1, 2, 0]
    """
    x = as_tensor(x)
    if mode != "constant" and constant_values is not None:
        raise ValueError(
            "Argument `constant_values` can only be provided when `mode == 'constant'`. "
            f"Received: mode={mode}"
        )
    widths = np.broadcast_to(np.asarray(pad_width, int), (x.ndim, 2)).tolist()
    if min((n for pair in widths for n in pair), default=0) < 0:
        raise ShapeError(f"pad: `pad_width` must not be negative, got {pad_width}")
    if mode == "constant":
        return _pad_constant(x, widths, 0 if constant_values is None else constant_values)
    for axis, (before, after) in enumerate(widths):
        line: Any = np.arange(x.shape[axis], dtype="int32")
        padding: Any = mode
        index = np.pad(line, (before, after), mode=padding)
        x = apply("gather", {"axis": axis}, [x, index])
    return x


def _pad_constant(x: Any, widths: list[list[int]], value: Any) -> Any:
    attrs = {
        "shape": [a + n + b for n, (a, b) in zip(x.shape, widths)],
        "start": [a for a, _ in widths],
        "step": [1] * x.ndim,
    }
    dtype = standardize_dtype(x.dtype)
    if dtype == "bool":
        padded = _pad_constant(as_dtype(x, "uint8"), widths, int(bool(value)))
        return as_dtype(padded, "bool")
    padded = apply("slice_grad", attrs, [x])
    if not is_traced(value) and np.all(np.asarray(value) == 0):
        return padded
    inside = np.zeros(attrs["shape"], "bool")
    inside[tuple(np.s_[a : a + n] for n, (a, _) in zip(x.shape, widths))] = True
    return apply("select", {}, [inside, padded, as_dtype(value, dtype)])


def _triangle(x: Any, k: Any, lower: bool) -> Any:
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"expected at least 2 axes, got shape {tuple(x.shape)}")
    keep = np.tri(x.shape[-2], x.shape[-1], int(k) if lower else int(k) - 1, dtype=bool)
    zero = as_dtype(0, standardize_dtype(x.dtype))
    return apply("select", {}, [keep if lower else ~keep, x, zero])


@operation
def tril(x: Any, k: int = 0) -> Any:
    """x with zeros above the k-th diagonal of its last two axes.

    Examples
    --------
    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return _triangle(x, k, True)


@operation
def triu(x: Any, k: int = 0) -> Any:
    """x with zeros below the k-th diagonal of its last two axes.

    Examples
    --------
    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return _triangle(x, k, False)
