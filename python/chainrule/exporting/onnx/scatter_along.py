"""y = zeros with x added up at an index for every element: ScatterElements"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import Node, Spec
from chainrule.exporting.onnx.gather import as_indices


def translate(g: Graph, node: Node) -> str:
    """ScatterElements of sums"""
    x, indices = node.inputs
    dtype = wide(x.dtype)
    zeros = g.zeros(Spec(node.spec.shape, dtype))
    given = zeros, as_indices(g, indices), g.cast(x, x.dtype, dtype)
    made = g.node("ScatterElements", *given, axis=node.attrs["axis"], reduction="add")
    return g.cast(made, dtype, x.dtype)
