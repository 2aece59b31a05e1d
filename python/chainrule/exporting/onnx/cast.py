"""y = x in another dtype: Cast"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph, element_type
from chainrule.exporting.onnx._values import First, Made, Node


def translate(g: Graph, node: Node) -> Made:
    """Cast, of channels where they are"""
    (x,) = node.inputs
    if x.dtype == node.spec.dtype:
        return x
    to = element_type(node.spec.dtype)
    return First(g.node("Cast", x.first, to=to)) if x.is_first else g.node("Cast", x, to=to)
