"""Elements in other places: flips, rolls, repeats, pads and triangles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.loading import take_elements
from chainrule.base.sizes import Size, may_be
from chainrule.ops._common import (
    binary,
    block,
    normalize_axes,
    normalize_axis,
    sequence,
    static_shape,
    unary,
)
from chainrule.ops._sized import inside_block, numbers, triangle
from chainrule.ops.joining import concatenate
from chainrule.ops.shaping import _reshape, broadcast_to, ravel, swapaxes
from chainrule.tracing.casting import as_dtype, as_tensor, is_traced
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["flip", "fliplr", "flipud", "pad", "repeat", "roll", "rot90", "tile", "tril", "triu"]


@operation
def flip(x: Any, axis: Any = None) -> Any:
    """x with the order of elements reversed along the axes, as NumPy's `np.flip`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    axis : int, ints or None
        Along which elements are reversed. Default None: all axes.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or one named twice.
    DTypeError
        `x` holds no numbers.

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
    """x reversed along axis 1, as NumPy's `np.fliplr`.

    Parameters
    ----------
    x : tensor
        Of two axes or more, any dtype.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        `x` has fewer than two axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> fliplr([[1, 2]]).tolist()
    [[2, 1]]
    """
    return flip(x, 1)


@operation
def flipud(x: Any) -> Any:
    """x reversed along axis 0, as NumPy's `np.flipud`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        `x` is a scalar.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> flipud([1, 2]).tolist()
    [2, 1]
    """
    return flip(x, 0)


@operation
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """`array` turned k times by 90 degrees, from the first of `axes` towards the second; as NumPy's
    `np.rot90`.

    Parameters
    ----------
    array : tensor
        Of two axes or more, any dtype.
    k : int
        Quarter turns; negative ones turn back. Default 1.
    axes : (int, int)
        The plane of the turn. Default (0, 1).

    Returns
    -------
    tensor
        The shape of `array`, with the sizes of `axes` exchanged where k is odd; its dtype.

    Raises
    ------
    ValueError
        Fewer than 2 axes, `axes` not two different ones, or one that is not there.
    DTypeError
        `array` holds no numbers.

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
    """x with elements moved by `shift` places; those that leave come in at the other end. As
    NumPy's `np.roll`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    shift : int or ints
        Places towards the end; negative ones towards the start. One for each axis, or one for all.
    axis : int, ints or None
        Along which elements move. Default None: x flattened.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> roll([1, 2, 3, 4], 1).tolist()
    [4, 1, 2, 3]
    """
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
        if isinstance(cut, Size) or cut:
            x = concatenate([block(x, a, cut, size), block(x, a, 0, cut)], a)
    return x


@operation
def tile(x: Any, repeats: Any) -> Any:
    """x repeated as a whole `repeats` times along each axis, as NumPy's `np.tile`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    repeats : int or ints
        How often, from 0 up, for the last axes of x; more of them than axes make new axes in front.

    Returns
    -------
    tensor
        Each size of x times its number of repeats, in the dtype of x.

    Raises
    ------
    ValueError
        A number below 0.
    DTypeError
        `x` holds no numbers.

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
    """Each element repeated `repeats` times along `axis`, as NumPy's `np.repeat`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    repeats : int or ints
        How often, from 0 up: one number, or one for each element along `axis`. Known, not traced.
    axis : int or None
        Along which elements repeat. Default None: x flattened.

    Returns
    -------
    tensor
        The shape of x with the sum of the repeats as its size along `axis`, in its dtype.

    Raises
    ------
    ShapeError
        An axis that `x` does not have, or another number of repeats than elements.
    ValueError
        A number below 0.
    TypeError
        Traced `repeats`.
    DTypeError
        `x` holds no numbers.

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
    _check_counts(counts, x.shape[axis])
    take_elements("repeat", int(counts.sum()) * (x.shape[axis] if counts.size == 1 else 1))
    if counts.ndim == 0 or counts.size == 1:
        index = _repeated(x.shape[axis], int(counts.reshape(())))
    else:
        if counts.ndim != 1 or not may_be(counts.size, x.shape[axis]):
            raise ShapeError(
                "repeat: expected one number of repeats, or one for each element of axis "
                f"{axis} of shape {tuple(x.shape)}, got {counts.shape}"
            )
        index = np.repeat(np.arange(counts.size, dtype="int32"), counts)
    return apply("gather", {"axis": axis}, [x, index])


def _check_counts(counts: Any, n: int | Size) -> None:
    """Refuse what no array holds: NumPy multiplies without looking."""
    most = max(counts.ravel().tolist(), default=0)
    if not isinstance(n, Size) and most * max(n, 1) >= 2**60:
        raise ShapeError(f"repeat: expected fewer than 2**60 elements, got {most} for each of {n}")


def _repeated(n: int | Size, times: int) -> Any:
    """Each of 0, 1, ..., n - 1 so many times."""
    if not isinstance(n, Size):
        return np.repeat(np.arange(n, dtype="int32"), times)
    rows = apply("reshape", {"shape": [n, 1]}, [numbers(n)])
    rows = apply("broadcast_to", {"shape": [n, times]}, [rows])
    return apply("reshape", {"shape": [n * times]}, [rows])


# Those of Keras on every backend, and two that move elements too.
_PADDINGS = ("constant", "reflect", "symmetric", "edge", "wrap")


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """x with elements added before and after along each axis, as NumPy's `np.pad`.

    Parameters
    ----------
    x : tensor
        Of any shape and dtype.
    pad_width : int, (before, after), or one such pair for each axis
        How many elements, from 0 up.
    mode : str
        "constant", "edge" (the outermost element), "reflect" or "symmetric" (turned about the
        outermost element, or about the edge), or "wrap" (from the other end). Default "constant".
    constant_values : float, optional
        What is added with "constant"; cast to the dtype of x. Default 0.

    Returns
    -------
    tensor
        Each size plus what stands before and after, in the dtype of x.

    Raises
    ------
    ValueError
        An unknown mode, or `constant_values` with another mode than "constant".
    ShapeError
        A `pad_width` that is negative or for another number of axes, or an empty axis to continue.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> pad([1, 2], 1).tolist()
    [0, 1, 2, 0]
    """
    x = as_tensor(x)
    if mode not in _PADDINGS:
        raise ValueError(f"pad: expected `mode` to be one of {_PADDINGS}, got {mode!r}")
    if mode != "constant" and constant_values is not None:
        raise ValueError(
            "Argument `constant_values` can only be provided when `mode == 'constant'`. "
            f"Received: mode={mode}"
        )
    try:
        widths = np.broadcast_to(np.asarray(pad_width, int), (x.ndim, 2)).tolist()
    except ValueError:
        raise ShapeError(
            f"pad: expected `pad_width` of one pair for each of {x.ndim} axes, got {pad_width}"
        ) from None
    if min((n for pair in widths for n in pair), default=0) < 0:
        raise ShapeError(f"pad: `pad_width` must not be negative, got {pad_width}")
    if mode == "constant":
        return _pad_constant(x, widths, 0 if constant_values is None else constant_values)
    for axis, (n, (before, after)) in enumerate(zip(x.shape, widths)):
        if not n and before + after:
            raise ShapeError(
                f"pad: expected elements to continue along axis {axis} with mode {mode!r}, "
                f"got shape {tuple(x.shape)}"
            )
    for axis, (before, after) in enumerate(widths):
        if before or after:
            index = _continued(x.shape[axis], before, after, mode)
            x = apply("gather", {"axis": axis}, [x, index])
    return x


def _continued(n: int | Size, before: int, after: int, mode: Any) -> Any:
    """The places from which a padded axis takes its elements."""
    if isinstance(n, Size):
        return _continued_by_rule(n, before, after, mode)
    return np.pad(np.arange(n, dtype="int32"), (before, after), mode=mode)


def _continued_by_rule(n: Size, before: int, after: int, mode: str) -> Any:
    """The same, reckoned in the graph."""
    place = binary("sub", numbers(before + n + after), np.int32(before))
    size = as_dtype(n, "int32")
    if mode == "wrap":
        return binary("mod", place, size)
    last = binary("sub", size, np.int32(1))
    if mode == "edge":
        return binary("minimum", binary("maximum", place, np.int32(0)), last)
    # There and back again, the ends twice, or once.
    ends = size if mode == "symmetric" else last
    period = binary("maximum", binary("add", ends, ends), np.int32(1))
    place = binary("mod", place, period)
    back = binary("sub", period, place)
    return binary("minimum", place, binary("sub", back, np.int32(1)) if mode == "symmetric" else back)


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
    inside = inside_block(attrs["shape"], attrs["start"], x.shape)
    return apply("select", {}, [inside, padded, as_dtype(value, dtype)])


def _triangle(x: Any, k: Any, lower: bool) -> Any:
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"expected at least 2 axes, got shape {tuple(x.shape)}")
    keep = triangle(x.shape[-2], x.shape[-1], int(k) if lower else int(k) - 1)
    zero = as_dtype(0, standardize_dtype(x.dtype))
    return apply("select", {}, [keep if lower else unary("logical_not", keep), x, zero])


@operation
def tril(x: Any, k: int = 0) -> Any:
    """x with zeros above the k-th diagonal of its last two axes, as NumPy's `np.tril`.

    Parameters
    ----------
    x : tensor
        (..., m, n), of any dtype.
    k : int
        The last diagonal that stays: 0 the main one, above 0 further up. Default 0.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        Fewer than two axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return _triangle(x, k, True)


@operation
def triu(x: Any, k: int = 0) -> Any:
    """x with zeros below the k-th diagonal of its last two axes, as NumPy's `np.triu`.

    Parameters
    ----------
    x : tensor
        (..., m, n), of any dtype.
    k : int
        The first diagonal that stays: 0 the main one, above 0 further up. Default 0.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        Fewer than two axes.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return _triangle(x, k, False)
