"""y = x"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Value


def translate(g: Graph, node: Node) -> Value:
    """The value itself"""
    return node.inputs[0]
