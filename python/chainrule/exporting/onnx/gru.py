"""h_t = z h + (1 - z) tanh(x_n + r p_n), z = sigmoid(x_z + p_z), r alike, p = b + h w: GRU, or a loop"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._recurrent import layer_of, looped, sequence
from chainrule.exporting.onnx._values import Made, Node


def translate(g: Graph, node: Node) -> list[Made]:
    """GRU, its gates in our order, where no step is masked"""
    layer, bias = layer_of(node), node.inputs[3]
    if layer is not None and bias.array is not None:
        return sequence(g, "GRU", node, layer, (0, 1, 2), bias.array, linear_before_reset=1)
    weights, offset = g.tensor(node.inputs[1]), g.tensor(bias)
    one = g.number(1, node.spec.dtype)

    def cell(inside: Graph, x: str, states: Sequence[str]) -> list[str]:
        (h,) = states
        p = inside.node("Add", inside.node("MatMul", h, weights), offset)
        x_z, x_r, x_n = inside.nodes_of("Split", 3, x, axis=1, num_outputs=3)
        p_z, p_r, p_n = inside.nodes_of("Split", 3, p, axis=1, num_outputs=3)
        z = inside.node("Sigmoid", inside.node("Add", x_z, p_z))
        r = inside.node("Sigmoid", inside.node("Add", x_r, p_r))
        n = inside.node("Tanh", inside.node("Add", x_n, inside.node("Mul", r, p_n)))
        rest = inside.node("Mul", inside.node("Sub", one, z), n)
        return [inside.node("Add", inside.node("Mul", z, h), rest)]

    return looped(g, node, cell)
