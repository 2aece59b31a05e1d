"""y = f(x @ w + b): Gemm, or MatMul and Add, then f"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node
from chainrule.exporting.onnx.unary import applied


def activated(g: Graph, x: str, name: str, dtype: str) -> str:
    """f(x), f one of those that ops have inside."""
    return x if name == "linear" else applied(g, name, x, dtype)


def translate(g: Graph, node: Node) -> str:
    """Gemm of matrices, MatMul of others"""
    x, w, b = node.inputs
    made = g.node("Gemm", x, w, b) if x.rank == 2 else g.node("Add", g.node("MatMul", x, w), b)
    return activated(g, made, node.attrs["activation"], x.dtype)
