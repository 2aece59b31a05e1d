"""y = -(t log p + (1 - t) log(1 - p)), element by element: a few nodes"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Of logits softplus(x) - x t, else of clipped probabilities"""
    x, t = node.inputs
    if node.attrs["from_logits"]:
        return g.node("Sub", g.node("Softplus", x), g.node("Mul", x, t))
    epsilon, one = node.attrs["epsilon"], g.number(1, x.dtype)
    ends = g.number(epsilon, x.dtype), g.number(1 - epsilon, x.dtype)
    p = g.node("Clip", x, *ends)
    hit = g.node("Mul", t, g.node("Log", p))
    miss = g.node("Mul", g.node("Sub", one, t), g.node("Log", g.node("Sub", one, p)))
    return g.node("Neg", g.node("Add", hit, miss))
