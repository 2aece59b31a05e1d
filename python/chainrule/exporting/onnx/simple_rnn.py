"""h_t = f(x_t + h w): RNN, or a loop"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._recurrent import layer_of, looped, sequence
from chainrule.exporting.onnx._values import Made, Node
from chainrule.exporting.onnx.dense import activated

_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid"}


def translate(g: Graph, node: Node) -> list[Made]:
    """RNN where no step is masked and f is one of its own"""
    layer, f = layer_of(node), node.attrs["activation"]
    if layer is not None and f in _ACTIVATIONS:
        return sequence(g, "RNN", node, layer, (0,), activations=[_ACTIVATIONS[f]])
    weights = g.tensor(node.inputs[1])

    def cell(inside: Graph, x: str, states: Sequence[str]) -> list[str]:
        z = inside.node("Add", x, inside.node("MatMul", states[0], weights))
        return [activated(inside, z, f, node.spec.dtype)]

    return looped(g, node, cell)
