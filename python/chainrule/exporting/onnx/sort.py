"""y = x in ascending order along an axis: TopK of all"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node
from chainrule.exporting.onnx.top_k import ranked


def translate(g: Graph, node: Node) -> str:
    """The smallest n"""
    (x,) = node.inputs
    axis = node.attrs["axis"]
    return ranked(g, x, x.shape[axis], axis, False)[0]
