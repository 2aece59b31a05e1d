"""X_k = c_k sum over t of x_t exp(-2 pi i k t / n) for k up to n // 2: DFT"""

from __future__ import annotations

from chainrule.exporting.onnx._fourier import by_matrix, dft, factors, parts, waves
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> list[str]:
    """DFT of one side"""
    (x,) = node.inputs
    n = x.shape[-1]
    if by_matrix(n):
        cos, sin = waves(n, n // 2 + 1, x.dtype)
        made = [g.node("MatMul", x, wave) for wave in (cos, -sin)]
    else:
        made = parts(g, dft(g, g.unsqueeze(x, x.rank), x.rank, onesided=1), x.rank)
    if node.attrs["both"]:
        weights = factors(g, x.shape[-1], 2.0, x.dtype)
        made = [g.node("Mul", y, weights) for y in made]
    if node.attrs["mean"]:
        made = [g.node("Div", y, g.scalar_size(x.shape[-1], x.dtype)) for y in made]
    return made
