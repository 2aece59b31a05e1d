"""y = A @ B, of a and b or their transposes: MatMul, Gemm"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Value


def _swapped(g: Graph, x: Value, is_turned: bool) -> str:
    axes = list(range(x.rank))
    if is_turned:
        axes[-2:] = axes[-1], axes[-2]
    return g.transpose(x, axes)


def translate(g: Graph, node: Node) -> str:
    """MatMul; of two matrices, one of them transposed, Gemm"""
    a, b = node.inputs
    turns = bool(node.attrs["transpose_a"]), bool(node.attrs["transpose_b"])
    if a.rank == b.rank == 2 and any(turns):
        return g.node("Gemm", a, b, transA=int(turns[0]), transB=int(turns[1]))
    return g.node("MatMul", _swapped(g, a, turns[0]), _swapped(g, b, turns[1]))
