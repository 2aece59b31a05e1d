"""y_i = a_i y_{i-1} + b_i along an axis: Scan"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph, Step
from chainrule.exporting.onnx._values import Node, Spec


def translate(g: Graph, node: Node) -> str:
    """A loop over the axis"""
    a, b = node.inputs
    axis = node.attrs["axis"]
    row = Spec((*b.shape[:axis], *b.shape[axis + 1 :]), b.dtype)

    def body(inside: Graph, before: Sequence[str], rows: Sequence[str]) -> Step:
        y = inside.node("Add", inside.node("Mul", rows[0], before[0]), rows[1])
        return [y], [(y, row)]

    rows = [(a, row), (b, row)]
    return g.scan([(g.zeros(row), row)], rows, body, axis=axis, reverse=node.attrs["reverse"])[1]
