"""y_i = the sum or product of x_0 .. x_i along an axis: CumSum, or Scan"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph, Step
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import Node, Spec


def translate(g: Graph, node: Node) -> str:
    """CumSum; of products a loop over the axis"""
    (x,) = node.inputs
    axis, reverse, exclusive = (node.attrs[key] for key in ("axis", "reverse", "exclusive"))
    dtype = wide(x.dtype)
    given = g.cast(x, x.dtype, dtype)
    if node.attrs["function"] == "cumsum":
        settings = {"reverse": int(reverse), "exclusive": int(exclusive)}
        made = g.node("CumSum", given, g.number(axis, "int64"), **settings)
        return g.cast(made, dtype, x.dtype)
    row = Spec((*x.shape[:axis], *x.shape[axis + 1 :]), dtype)

    def body(inside: Graph, before: Sequence[str], rows: Sequence[str]) -> Step:
        product = inside.node("Mul", before[0], rows[0])
        return [product], [(before[0] if exclusive else product, row)]

    ones = g.expand(g.number(1, dtype), row.shape)
    made = g.scan([(ones, row)], [(given, row)], body, axis=axis, reverse=reverse)[1]
    return g.cast(made, dtype, x.dtype)
