"""y[..., f, j] = x[..., f stride + j]: Gather"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Shape


def places(g: Graph, shape: Shape, stride: int) -> str:
    """f stride + j of (frames, length)"""
    frames, length = shape
    starts = g.node("Mul", g.range(frames), g.number(stride, "int64"))
    return g.node("Add", g.unsqueeze(starts, 1), g.range(length))


def translate(g: Graph, node: Node) -> str:
    """Gather at the places of all windows"""
    (x,) = node.inputs
    at = places(g, node.spec.shape[-2:], node.attrs["stride"])
    return g.node("Gather", x, at, axis=x.rank - 1)
