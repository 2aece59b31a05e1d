"""The k largest of the last axis, largest first: TopK"""

from __future__ import annotations

from typing import Any

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._numbers import wide
from chainrule.exporting.onnx._values import Node, Value


def ranked(g: Graph, x: Value, k: Any, axis: int, largest: bool) -> tuple[str, str]:
    """Elements in order, and their indices in int32; of equal ones that with the lower index first."""
    dtype = wide(x.dtype)
    given = g.cast(x, x.dtype, dtype), g.size(k)
    values, indices = g.nodes_of("TopK", 2, *given, axis=axis, largest=int(largest), sorted=1)
    return g.cast(values, dtype, x.dtype), g.cast(indices, "int64", "int32")


def translate(g: Graph, node: Node) -> tuple[str, str]:
    """TopK"""
    (x,) = node.inputs
    return ranked(g, x, node.attrs["k"], x.rank - 1, True)
