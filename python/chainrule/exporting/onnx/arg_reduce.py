"""y = the index of the largest or smallest element along an axis: ArgMax, ArgMin"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Of floats ArgMax or ArgMin; of integers, which runtimes lack in some dtypes, the first of TopK"""
    (x,) = node.inputs
    axis, largest = node.attrs["axis"], node.attrs["function"] == "argmax"
    if x.is_float:
        kind = "ArgMax" if largest else "ArgMin"
        return g.cast(g.node(kind, x, axis=axis, keepdims=0), "int64", "int32")
    given = g.cast(x, x.dtype, wide(x.dtype)), g.ints(1)
    _, places = g.nodes_of("TopK", 2, *given, axis=axis, largest=int(largest), sorted=1)
    return g.cast(g.squeeze(places, axis), "int64", "int32")
