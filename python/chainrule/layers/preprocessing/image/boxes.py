"""Random rectangles in images, as `CutMix` and `RandomErasing` cut them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import ops

Span = tuple[Any, Any]


def random_span(
    uniform: Callable[[tuple[int, ...]], Any], batch: int, size: int, ratio: Any
) -> Span:
    """Begin and end, (N,) each, of spans of length ``ratio * size`` within ``[0, size]``.

    Examples
    --------
    >>> random_span(lambda shape: np.full(shape, 0.5), 1, 10, np.array([0.2]))
    (array([4.]), array([6.]))
    """
    length = ratio * size
    first = uniform((batch,)) * (size - length)
    return first, first + length


def box_mask(x: Span, y: Span, height: int, width: int, channel_axis: int) -> Any:
    """(N, H, W, 1), or (N, 1, H, W): which pixels' upper left corners lie in the boxes.

    Examples
    --------
    >>> mask = box_mask((np.array([1.0]), np.array([2.5])), (np.array([0.0]), np.array([1.0])),
    ...                 2, 4, -1)
    >>> mask[0, ..., 0].astype(int).tolist()
    [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    columns, rows = _inside(x, width), _inside(y, height)
    both = ops.logical_and(ops.expand_dims(columns, 1), ops.expand_dims(rows, 2))
    return ops.expand_dims(both, channel_axis)


def _inside(span: Span, size: int) -> Any:
    """(N, size) bools."""
    first, end = (ops.expand_dims(edge, 1) for edge in span)
    place = ops.cast(np.arange(size)[None], first.dtype)
    return ops.logical_and(place >= first, place < end)
