"""X_k = sum over t of x_t exp(-2 pi i k t / n), or its inverse: DFT"""

from __future__ import annotations

from chainrule.exporting.onnx._fourier import by_matrix, dft, parts, waves
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> list[str]:
    """DFT, which divides by n where it is the inverse"""
    re, im = node.inputs
    rank, inverse, mean = re.rank, bool(node.attrs["inverse"]), bool(node.attrs["mean"])
    if by_matrix(re.shape[-1]):
        return _multiplied(g, node)
    together = g.node("Concat", g.unsqueeze(re, rank), g.unsqueeze(im, rank), axis=rank)
    made = dft(g, together, rank, inverse=int(inverse))
    if inverse != mean:
        count = g.scalar_size(re.shape[-1], re.dtype)
        made = g.node("Mul" if inverse else "Div", made, count)
    return parts(g, made, rank)


def _multiplied(g: Graph, node: Node) -> list[str]:
    """The transform as a matrix"""
    re, im = node.inputs
    n = re.shape[-1]
    cos, sin = waves(n, n, re.dtype)
    if node.attrs["mean"]:
        cos, sin = cos / n, sin / n
    sin = sin if node.attrs["inverse"] else -sin
    real = g.node("Sub", g.node("MatMul", re, cos), g.node("MatMul", im, sin))
    imaginary = g.node("Add", g.node("MatMul", re, sin), g.node("MatMul", im, cos))
    return [real, imaginary]
