"""The last carry and all y of (c, y) = body(c, x_t, w): Scan"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.exporting.onnx._graph import Graph, Step
from chainrule.exporting.onnx._model import body_values
from chainrule.exporting.onnx._values import Node, Spec, Value


def translate(g: Graph, node: Node) -> list[str]:
    """Scan, whose body reads what is the same at every step from around"""
    attrs, carries = node.attrs, node.attrs["carries"]
    first = carries + attrs["sequences"]
    rows = [Spec(x.shape[1:], x.dtype) for x in node.inputs[carries:first]]
    kinds = [x.spec for x in node.inputs[:carries]]
    fixed = [
        Value(x.spec, name=None if x.array is not None else g.tensor(x), array=x.array)
        for x in node.inputs[first:]
    ]
    stacked = [Spec(spec.shape[1:], spec.dtype) for spec in node.outputs[carries:]]

    def body(inside: Graph, before: Sequence[str], given: Sequence[str]) -> Step:
        values = [Value(spec, name=x) for x, spec in zip([*before, *given], [*kinds, *rows])]
        made = [inside.tensor(x) for x in body_values(inside, attrs["body"], [*values, *fixed])]
        return made[:carries], list(zip(made[carries:], stacked))

    made = g.scan(
        list(zip(node.inputs[:carries], kinds)),
        list(zip(node.inputs[carries:first], rows)),
        body,
        reverse=bool(attrs["reverse"]),
        length=attrs["length"],
    )
    return [*made, *(g.zeros(spec) for spec in node.outputs[len(made) :])]
