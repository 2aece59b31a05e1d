"""y = -sum over classes of t_c log p_c: a few nodes"""

from __future__ import annotations

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node


def translate(g: Graph, node: Node) -> str:
    """Of logits by LogSoftmax, else of clipped shares"""
    pred, target = node.inputs
    dtype, last = pred.dtype, pred.rank - 1
    if node.attrs["from_logits"]:
        log_p = g.node("LogSoftmax", pred, axis=last)
    else:
        share = g.node("Div", pred, g.node("ReduceSum", pred, g.ints(last), keepdims=1))
        epsilon = node.attrs["epsilon"]
        ends = g.number(epsilon, dtype), g.number(1 - epsilon, dtype)
        log_p = g.node("Log", g.node("Clip", share, *ends))
    if node.attrs["sparse"]:
        labels = g.unsqueeze(g.cast(target, target.dtype, "int64"), last)
        chosen = g.node("GatherElements", log_p, labels, axis=last)
        return g.node("Neg", g.squeeze(chosen, last))
    zero = g.number(0, dtype)
    terms = g.node("Where", g.node("Equal", target, zero), zero, g.node("Mul", target, log_p))
    return g.node("Neg", g.node("ReduceSum", terms, g.ints(last), keepdims=0))
