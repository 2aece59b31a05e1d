"""y = softmax(scale q k^T + bias) v, head by head: MatMul, Softmax, MatMul"""

from __future__ import annotations

import numpy as np

from chainrule.base.sizes import Size
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Value
from chainrule.exporting.onnx import load


def _spread(g: Graph, x: Value, heads: int, axes: list[int]) -> str:
    """Heads of k or v in the order of `axes`, each as often as heads of q read it"""
    batch, rows, own, depth = x.shape
    name = g.tensor(x)
    if own != heads:
        times = heads // own
        wide = g.expand(g.unsqueeze(name, 3), (batch, rows, own, times, depth))
        name = g.reshape(wide, (batch, rows, own, times, depth), (batch, rows, heads, depth))
    return g.transpose(name, axes)


def _causal(g: Graph, queries: object, keys: object) -> str:
    """Whether a key is not behind the query"""
    if not isinstance(queries, Size) and not isinstance(keys, Size):
        return g.constant(np.tri(queries, keys, dtype=bool))  # type: ignore[call-overload]
    return g.node("GreaterOrEqual", g.unsqueeze(g.range(queries), 1), g.range(keys))


def translate(g: Graph, node: Node) -> str:
    """The scores, those that the masks leave, and their weights"""
    q, k, v, *rest = node.inputs
    attrs, dtype = node.attrs, q.dtype
    if attrs["rate"] > 0:
        load("dropout", g.root.layer)
    left = list(rest)
    counts = g.tensor(left.pop(0)) if attrs["mask"] else None
    bias = left.pop(0) if attrs["bias"] else None
    heads = q.shape[2]
    queries = g.transpose(g.node("Mul", q, g.number(attrs["scale"], dtype)), [0, 2, 1, 3])
    scores = g.node("MatMul", queries, _spread(g, k, heads, [0, 2, 3, 1]))
    if bias is not None:
        scores = g.node("Add", scores, bias)
    if attrs["causal"]:
        causal = _causal(g, q.shape[1], k.shape[1])
        counts = causal if counts is None else g.node("And", counts, causal)
    if counts is not None:
        lowest = g.number(-0.7 * float(np.finfo(dtype).max), dtype)
        scores = g.node("Where", counts, scores, lowest)
    weights = g.node("Softmax", scores, axis=3)
    if counts is not None and attrs["zero_masked"]:
        weights = g.node("Where", counts, weights, g.number(0, dtype))
    made = g.node("MatMul", weights, _spread(g, v, heads, [0, 2, 1, 3]))
    return g.transpose(made, [0, 2, 1, 3])
