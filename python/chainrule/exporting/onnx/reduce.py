"""y = sum, mean, max, min, prod, any or all of x over axes: ReduceSum, ..."""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._layouts import axis_first
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import First, Made, Node, Value

_KINDS = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "prod": "ReduceProd",
    "any": "ReduceMax",
    "all": "ReduceMin",
}


def _leaves_order(x: Value, axes: list[int]) -> bool:
    """Whether what is left of x has one order, wherever its channels are."""
    spatial = set(range(1, x.rank - 1))
    return x.rank - 1 in axes or spatial <= set(axes)


def translate(g: Graph, node: Node) -> Made:
    """Of channels where they are, if the result has its own order"""
    (x,) = node.inputs
    axes, keeps = list(node.attrs["axes"]), bool(node.attrs["keepdims"])
    if not axes:
        return x
    is_first = x.is_first and (keeps or _leaves_order(x, axes))
    name = g.first(x) if is_first else g.tensor(x)
    places = sorted(axis_first(axis, x.rank) for axis in axes) if is_first else axes
    dtype = wide(x.dtype)
    given = g.cast(name, x.dtype, dtype), g.ints(*places)
    made = g.node(_KINDS[node.attrs["function"]], *given, keepdims=int(keeps))
    if x.dtype == "bool":
        # Of no elements runtimes give the end of the range.
        made = g.node("Greater", made, g.number(0, dtype))
    else:
        made = g.cast(made, dtype, node.spec.dtype)
    return First(made) if is_first and keeps else made
