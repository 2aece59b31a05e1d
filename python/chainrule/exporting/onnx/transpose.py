"""y = x with its axes in another order: Transpose"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import First, Made, Node, first_last, last_first


def translate(g: Graph, node: Node) -> Made:
    """Transpose, which is none where the file has the other order already"""
    (x,) = node.inputs
    axes = list(node.attrs["axes"])
    if x.rank > 2 and axes == last_first(x.rank):
        return g.first(x)
    if x.rank > 2 and axes == first_last(x.rank) and not x.is_first:
        return First(g.tensor(x))
    return g.transpose(x, axes)
