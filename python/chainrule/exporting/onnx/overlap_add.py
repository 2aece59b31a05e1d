"""y[..., t] = sum over f of x[..., f, t - f stride]: ScatterElements"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node
from chainrule.exporting.onnx.frame import places


def translate(g: Graph, node: Node) -> str:
    """All windows in a row, added up at their places"""
    (x,) = node.inputs
    lead, window = x.shape[:-2], x.shape[-2:]
    count = window[0] * window[1]
    rows = g.reshape(x, x.shape, (*lead, count))
    at = g.reshape(places(g, window, node.attrs["stride"]), window, (count,))
    at = g.expand(at, (*lead, count))
    return g.node("ScatterElements", g.zeros(node.spec), at, rows, axis=len(lead), reduction="add")
