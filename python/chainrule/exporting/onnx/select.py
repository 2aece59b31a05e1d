"""y = a where cond, else b: Where"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._layouts import beside_first
from chainrule.exporting.onnx._values import First, Made, Node


def translate(g: Graph, node: Node) -> Made:
    """Where"""
    dtype = node.spec.dtype
    first = beside_first(g, node.inputs)
    condition, a, b = node.inputs if first is None else first
    made = g.where(condition, a, b, dtype)
    return made if first is None else First(made)
