"""y = log of the sum of exp(x) over axes: ReduceLogSumExp"""

from __future__ import annotations

import numpy as np

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Around the largest element, where that is finite; without axes x itself"""
    (x,) = node.inputs
    axes = g.ints(*node.attrs["axes"])
    if not node.attrs["axes"]:
        return g.tensor(x)
    largest = float(np.finfo(x.dtype).max)
    top = g.node("ReduceMax", x, axes, keepdims=1)
    top = g.node("Clip", top, g.number(-largest, x.dtype), g.number(largest, x.dtype))
    total = g.node("ReduceSum", g.node("Exp", g.node("Sub", x, top)), axes, keepdims=1)
    y = g.node("Add", g.node("Log", total), top)
    return y if node.attrs["keepdims"] else g.squeeze(y, *node.attrs["axes"])
