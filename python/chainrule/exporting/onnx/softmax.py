"""y = exp(x) / sum of exp(x) along an axis: Softmax"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Softmax"""
    return g.node("Softmax", node.inputs[0], axis=node.attrs["axis"])
