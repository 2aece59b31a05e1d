"""y = gamma (x - mean) / sqrt(variance + epsilon) + beta with the statistics of x: a few nodes"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> tuple[str, str, str]:
    """y, the means and the biased variances of the channels"""
    x, gamma, beta = node.inputs
    axes = g.ints(*range(x.rank - 1))
    mean = g.node("ReduceMean", x, axes, keepdims=0)
    centred = g.node("Sub", x, mean)
    variance = g.node("ReduceMean", g.node("Mul", centred, centred), axes, keepdims=0)
    deviation = g.node("Sqrt", g.node("Add", variance, g.number(node.attrs["epsilon"], x.dtype)))
    scaled = g.node("Mul", g.node("Div", centred, deviation), gamma)
    return g.node("Add", scaled, beta), mean, variance
