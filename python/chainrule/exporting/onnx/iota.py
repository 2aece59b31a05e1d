"""y[..., i, ...] = i along an axis: Range"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Range, repeated over the other axes"""
    shape, axis = node.spec.shape, node.attrs["axis"]
    n = shape[axis]
    row = g.range(n, node.spec.dtype)
    if len(shape) == 1:
        return row
    return g.expand(g.reshape(row, (n,), (n, *[1] * (len(shape) - axis - 1))), shape)
