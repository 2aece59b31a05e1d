"""y = gamma (x - mean) / sqrt(variance + epsilon) + beta over the last axes: LayerNormalization"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """LayerNormalization"""
    x, gamma, beta = node.inputs
    axis = x.rank - len(node.attrs["axes"])
    return g.node("LayerNormalization", x, gamma, beta, axis=axis, epsilon=node.attrs["epsilon"])
