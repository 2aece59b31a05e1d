"""y = x at indices along an axis: Gather"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Gather"""
    x, indices = node.inputs
    return g.node("Gather", x, as_indices(g, indices), axis=node.attrs["axis"])


def as_indices(g: Graph, x: object) -> str:
    """Indices in a dtype that ONNX takes."""
    dtype = x.dtype  # type: ignore[attr-defined]
    return g.tensor(x) if dtype in ("int32", "int64") else g.cast(x, dtype, "int64")
