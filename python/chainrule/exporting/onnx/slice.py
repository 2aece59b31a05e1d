"""y[i, ...] = x[start + i step, ...]: Slice"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.sizes import Size
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._layouts import axis_first
from chainrule.exporting.onnx._values import First, Made, Node, Value


_FRONT, _END = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def _is_whole(start: Any, stop: Any, step: int, n: Any) -> bool:
    return bool(start == 0 and step == 1 and stop == n)


def is_last_step(node_attrs: Any, shape: Any, reverse: bool) -> bool:
    """Whether a slice of (batch, steps, ...) is the step that a loop computes last."""
    ends = list(zip(node_attrs["start"], node_attrs["stop"], node_attrs["step"], shape))
    start, stop, step, n = ends[1]
    others = all(_is_whole(*end) for at, end in enumerate(ends) if at != 1)
    last = (start == 0 and stop == 1) if reverse else (start == n - 1 and stop == n)
    return bool(others and step == 1 and last)


def _is_last(node: Node, x: Value) -> bool:
    return x.origin is not None and is_last_step(node.attrs, x.shape, bool(x.origin.attrs["reverse"]))


def translate(g: Graph, node: Node) -> Made:
    """Slice, of the axes that lose something"""
    (x,) = node.inputs
    if x.last is not None and (x.name is None or _is_last(node, x)):
        return x.last
    starts, stops, steps, axes = [], [], [], []
    ends = zip(node.attrs["start"], node.attrs["stop"], node.attrs["step"], x.shape)
    for axis, (start, stop, step, n) in enumerate(ends):
        if not _is_whole(start, stop, step, n):
            # A number from the end needs no size.
            from_end = start - n
            starts.append(start if isinstance(from_end, Size) or not isinstance(n, Size) else from_end)
            # Below 0 means: up to the front, which a number from the end is not.
            stops.append(_FRONT if stop == -1 else _END if stop == n else stop)
            steps.append(step)
            axes.append(axis_first(axis, x.rank) if x.is_first else axis)
    if not axes:
        return x
    made = g.node(
        "Slice",
        x.first if x.is_first else x,
        g.vector(starts),
        g.vector(stops),
        g.ints(*axes),
        g.ints(*steps),
    )
    return First(made) if x.is_first else made
