"""y = x - log of the sum of exp(x) along an axis: LogSoftmax"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """LogSoftmax"""
    return g.node("LogSoftmax", node.inputs[0], axis=node.attrs["axis"])
