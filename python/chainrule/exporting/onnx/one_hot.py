"""y[..., c] = 1 where the label is c: Equal"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """A comparison with 0, 1, ..., which gives zeros for labels outside"""
    (labels,) = node.inputs
    column = g.unsqueeze(g.cast(labels, labels.dtype, "int64"), labels.rank)
    hits = g.node("Equal", column, g.range(node.attrs["depth"]))
    return g.cast(hits, "bool", node.spec.dtype)
