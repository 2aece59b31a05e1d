"""y = x at an index for every element, along an axis: GatherElements"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node
from chainrule.exporting.onnx.gather import as_indices


def translate(g: Graph, node: Node) -> str:
    """GatherElements"""
    x, indices = node.inputs
    return g.node("GatherElements", x, as_indices(g, indices), axis=node.attrs["axis"])
