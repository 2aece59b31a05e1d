"""y = 0 but y[start + i step, ...] = x[i, ...]: Pad, and ScatterND where there are gaps"""

from __future__ import annotations

from typing import Any

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Value


def translate(g: Graph, node: Node) -> str:
    """The gaps one axis after the other, then the ends"""
    (x,) = node.inputs
    name, shape = g.tensor(x), list(x.shape)
    before: list[Any] = []
    for axis, step in enumerate(node.attrs["step"]):
        start, n = node.attrs["start"][axis], shape[axis]
        if step < 0:
            name = g.reversed(name, axis)
            start, step = start + (n - 1) * step, -step
        if step > 1 and n != 1:
            name = _spread(g, name, x, shape, axis, step)
            shape[axis] = (n - 1) * step + 1
        before.append(start)
    after = [n - b - inside for n, b, inside in zip(node.spec.shape, before, shape)]
    if all(n == 0 for n in (*before, *after)):
        return name
    return g.node("Pad", name, g.vector([*before, *after]))


def _spread(g: Graph, name: str, x: Value, shape: list[Any], axis: int, step: int) -> str:
    """Zeros between the elements: a new axis of `step`, padded and folded, its end cut off"""
    n = shape[axis]
    apart = g.unsqueeze(name, axis + 1)
    pads = [0] * (2 * len(shape) + 2)
    pads[len(shape) + 1 + axis + 1] = step - 1
    padded = g.node("Pad", apart, g.ints(*pads))
    before = (*shape[: axis + 1], step, *shape[axis + 1 :])
    folded = g.reshape(padded, before, (*shape[:axis], n * step, *shape[axis + 1 :]))
    return g.slice(folded, axis, 0, (n - 1) * step + 1)
