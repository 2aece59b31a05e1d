"""y = x_0, x_1, ... along an axis: Concat"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._layouts import all_first, axis_first
from chainrule.exporting.onnx._values import First, Made, Node


def translate(g: Graph, node: Node) -> Made:
    """Concat"""
    axis = node.attrs["axis"]
    if len(node.inputs) == 1:
        return node.inputs[0]
    if all_first(node.inputs):
        names = [g.first(x) for x in node.inputs]
        return First(g.node("Concat", *names, axis=axis_first(axis, len(node.spec.shape))))
    return g.node("Concat", *node.inputs, axis=axis)
