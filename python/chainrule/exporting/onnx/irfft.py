"""x_t = sum over k of c_k (Re_k cos(2 pi k t / n) - Im_k sin(2 pi k t / n)): the inverse DFT"""

from __future__ import annotations

from chainrule.exporting.onnx._fourier import dft, factors, parts
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Both sides of the spectrum, the second one mirrored, and the real part of their inverse"""
    re, im = node.inputs
    rank, n, last = re.rank, node.attrs["length"], re.rank - 1
    given = [g.tensor(re), g.tensor(im)]
    if not node.attrs["both"]:
        weights = factors(g, n, 0.5, re.dtype)
        given = [g.node("Mul", y, weights) for y in given]
    # The conjugates of number (n - 1) // 2, ..., 2, 1 stand behind.
    mirrored = [g.reversed(g.slice(y, last, 1, (n + 1) // 2), last) for y in given]
    mirrored[1] = g.node("Neg", mirrored[1])
    whole = [
        g.unsqueeze(g.node("Concat", y, behind, axis=last), rank) for y, behind in zip(given, mirrored)
    ]
    made = dft(g, g.node("Concat", *whole, axis=rank), rank, inverse=1)
    x = parts(g, made, rank)[0]
    return x if node.attrs["mean"] else g.node("Mul", x, g.scalar_size(n, re.dtype))
