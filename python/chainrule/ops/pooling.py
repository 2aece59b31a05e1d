"""Pooling: the maximum or the mean of windows that slide over images, or that divide them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.base.errors import ShapeError
from chainrule.base.loading import take_elements
from chainrule.base.sizes import Size
from chainrule.ops._sized import filled
from chainrule.ops._spatial import (
    channels_back,
    channels_last,
    check_padding,
    explicit_padding,
    per_axis,
    spatial_rank,
)
from chainrule.tracing.casting import as_float
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


def _windows(function: str, x: Any, window: Any, strides: Any, padding: Any) -> Any:
    """The core's `pool` op; one int stands for all axes."""
    attrs = {
        "function": function,
        "window": list(window),
        "strides": list(strides),
        "padding": list(padding),
    }
    return apply("pool", attrs, [x])


def _pool(
    op: str,
    function: str,
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str,
    data_format: str | None,
) -> Any:
    x, first = channels_last(as_float(inputs), data_format)
    rank = spatial_rank(x, op)
    window = per_axis(op, "pool_size", pool_size, rank)
    steps = window if strides is None else per_axis(op, "strides", strides, rank)
    name = check_padding(op, padding, ("valid", "same"))
    around = explicit_padding(name, x.shape[1:-1], window, steps, [1] * rank)
    return channels_back(_windows(function, x, window, steps, around), first)


@operation
def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """y[n, o, c] = max of x[n, i, c] over the window of o, as TensorFlow's `tf.nn.max_pool`.

    The first maximum of a window takes its gradient. NaN where the window holds one.

    Parameters
    ----------
    inputs : tensor
        (N, *S, C) with 1 to 3 spatial axes, or (N, C, *S) with channels first; integers become
        floats.
    pool_size : int or sequence of int
        The window, one size for each spatial axis or one for all.
    strides : int or sequence of int, optional
        From one window to the next; default `pool_size`.
    padding : {"valid", "same"}
        "same" lets windows reach over the edges, where only elements inside the image count.
        Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (N, *O, C) or (N, C, *O), O = (S - pool_size) // strides + 1 for "valid" and ceil(S /
        strides) for "same"; in the float dtype of `inputs`.

    Raises
    ------
    ShapeError
        Another rank, or a window that is larger than the image.
    ValueError
        Sizes or strides below 1 or of another number, an unknown padding or data format.
    DTypeError
        `inputs` holds no numbers.

    Examples
    --------
    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).ravel().tolist()
    [3.0, 2.0]
    """
    return _pool("max_pool", "max", inputs, pool_size, strides, padding, data_format)


@operation
def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """y[n, o, c] = mean of x[n, i, c] over the elements of the window of o inside the image, as
    TensorFlow's `tf.nn.avg_pool`.

    Parameters
    ----------
    inputs : tensor
        (N, *S, C) with 1 to 3 spatial axes, or (N, C, *S) with channels first; integers become
        floats.
    pool_size : int or sequence of int
        The window, one size for each spatial axis or one for all.
    strides : int or sequence of int, optional
        From one window to the next; default `pool_size`.
    padding : {"valid", "same"}
        "same" lets windows reach over the edges, where only elements inside the image count.
        Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (N, *O, C) or (N, C, *O), O = (S - pool_size) // strides + 1 for "valid" and ceil(S /
        strides) for "same"; in the float dtype of `inputs`.

    Raises
    ------
    ShapeError
        Another rank, or a window that is larger than the image.
    ValueError
        Sizes or strides below 1 or of another number, an unknown padding or data format.
    DTypeError
        `inputs` holds no numbers.

    Examples
    --------
    >>> average_pool([[[1.0], [3.0], [2.0]]], 2, padding="same").ravel().tolist()
    [2.0, 2.0]
    """
    return _pool("average_pool", "mean", inputs, pool_size, strides, padding, data_format)


# Of an adaptive pool along one axis: each window takes a place in the traced graph.
_MOST_WINDOWS = 1 << 20


def adaptive_spans(size: int, count: int) -> tuple[list[int], list[int]]:
    """The starts and lengths of `count` windows that together cover `size` elements.

    Window i is floor(i size / count) : ceil((i + 1) size / count).

    Examples
    --------
    >>> adaptive_spans(5, 3)
    ([0, 1, 3], [2, 3, 2])
    """
    take_elements("adaptive pooling", count)
    starts = [i * size // count for i in range(count)]
    ends = [-(-(i + 1) * size // count) for i in range(count)]
    return starts, [end - start for start, end in zip(starts, ends)]


def _even(starts: Sequence[int], lengths: Sequence[int]) -> int | None:
    """The distance between windows of one length that lie evenly, else None."""
    steps = {b - a for a, b in zip(starts, starts[1:])} or {1}
    return steps.pop() if len(steps) == 1 and 0 not in steps and len(set(lengths)) == 1 else None


def _along(function: str, x: Any, axis: int, starts: Sequence[int], lengths: Sequence[int]) -> Any:
    """Windows along one axis, those of each length by one pool, then put in order."""
    rank = x.ndim - 2
    ones, pools, offsets, total = [1] * rank, [], {}, 0
    for length in sorted(set(lengths)):
        window = [length if a == axis - 1 else 1 for a in range(rank)]
        pools.append(_windows(function, x, window, ones, [0, 0] * rank))
        offsets[length] = total
        total += x.shape[axis] - length + 1
    places = np.array([offsets[n] + at for at, n in zip(starts, lengths)], np.int32)
    joined = pools[0] if len(pools) == 1 else apply("concat", {"axis": axis}, pools)
    return apply("gather", {"axis": axis}, [joined, places])


def _adaptive(
    op: str, function: str, inputs: Any, output_size: Any, data_format: str | None
) -> Any:
    x, first = channels_last(as_float(inputs), data_format)
    rank = spatial_rank(x, op)
    wanted = per_axis(op, "output_size", output_size, rank)
    if max(wanted) > _MOST_WINDOWS:
        raise ValueError(f"{op}: expected `output_size` up to {_MOST_WINDOWS}, got {output_size}")
    window, strides = [1] * rank, [1] * rank
    for axis in range(1, rank + 1):
        if x.shape[axis] == 0:
            raise ShapeError(f"{op}: expected `inputs` that are not empty, got {tuple(x.shape)}")
        if isinstance(x.shape[axis], Size):
            # As many windows as are wanted, wherever they lie.
            x = apply("gather", {"axis": axis}, [x, filled([wanted[axis - 1]], 0, "int32")])
            continue
        starts, lengths = adaptive_spans(x.shape[axis], wanted[axis - 1])
        step = _even(starts, lengths)
        if step is None:
            x = _along(function, x, axis, starts, lengths)
        else:
            window[axis - 1], strides[axis - 1] = lengths[0], step
    if window != [1] * rank or strides != [1] * rank:
        x = _windows(function, x, window, strides, [0, 0] * rank)
    return channels_back(x, first)


@operation
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """Maxima of `output_size` windows that cover the image, of sizes as even as can be; as
    PyTorch's `torch.nn.functional.adaptive_max_pool2d`.

    Window i of an axis of size S covers floor(i S / O) : ceil((i + 1) S / O).

    Parameters
    ----------
    inputs : tensor
        (N, *S, C) with 1 to 3 spatial axes, or (N, C, *S) with channels first; integers become
        floats.
    output_size : int or sequence of int
        O for each spatial axis, or one for all.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (N, *O, C) or (N, C, *O), in the float dtype of `inputs`.

    Raises
    ------
    ShapeError
        Another number of axes, or an image without elements.
    ValueError
        Sizes below 1, above 2**20 or of another number, or an unknown data format.
    DTypeError
        `inputs` holds no numbers.

    Examples
    --------
    >>> adaptive_max_pool([[[1.0], [3.0], [2.0], [0.0], [5.0]]], 3).ravel().tolist()
    [3.0, 3.0, 5.0]
    """
    return _adaptive("adaptive_max_pool", "max", inputs, output_size, data_format)


@operation
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Any:
    """Means of `output_size` windows that cover the image, of sizes as even as can be; as PyTorch's
    `torch.nn.functional.adaptive_avg_pool2d`.

    Window i of an axis of size S covers floor(i S / O) : ceil((i + 1) S / O).

    Parameters
    ----------
    inputs : tensor
        (N, *S, C) with 1 to 3 spatial axes, or (N, C, *S) with channels first; integers become
        floats.
    output_size : int or sequence of int
        O for each spatial axis, or one for all.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (N, *O, C) or (N, C, *O), in the float dtype of `inputs`.

    Raises
    ------
    ShapeError
        Another number of axes, or an image without elements.
    ValueError
        Sizes below 1, above 2**20 or of another number, or an unknown data format.
    DTypeError
        `inputs` holds no numbers.

    Examples
    --------
    >>> adaptive_average_pool([[[1.0], [3.0], [2.0], [0.0], [5.0]]], 5).ravel().tolist()
    [1.0, 3.0, 2.0, 0.0, 5.0]
    """
    return _adaptive("adaptive_average_pool", "mean", inputs, output_size, data_format)
