"""c_t = sigmoid(f) c + sigmoid(i) tanh(g), h_t = sigmoid(o) tanh(c_t): LSTM, or a loop"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._recurrent import asks_all_carries, layer_of, looped, sequence
from chainrule.exporting.onnx._values import Made, Node

# ONNX has the gates i, o, f, g.
_ORDER = (0, 3, 1, 2)


def translate(g: Graph, node: Node) -> list[Made]:
    """LSTM where no step is masked and of c only the last step is wanted"""
    layer = layer_of(node)
    if layer is not None and not asks_all_carries(node):
        return sequence(g, "LSTM", node, layer, _ORDER)
    weights = g.tensor(node.inputs[1])

    def cell(inside: Graph, x: str, states: Sequence[str]) -> list[str]:
        h, c = states
        z = inside.node("Add", x, inside.node("MatMul", h, weights))
        i, f, g_, o = inside.nodes_of("Split", 4, z, axis=1, num_outputs=4)
        i, f, o = (inside.node("Sigmoid", gate) for gate in (i, f, o))
        kept, new = inside.node("Mul", f, c), inside.node("Mul", i, inside.node("Tanh", g_))
        c = inside.node("Add", kept, new)
        return [inside.node("Mul", o, inside.node("Tanh", c)), c]

    return looped(g, node, cell)
