"""Graphs that an op owns, as an attribute of it.

A body says how many `inputs` it has, its `constants` and `nodes`, and which values are its `outputs`. The
values are numbered in this order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import walk
from chainrule.reference._arrays import Array, Attrs


def _constant(value: int, constant: Attrs) -> walk.Node:
    numbers = constant["floats"] or constant["ints"]
    array = np.array(numbers, constant["dtype"]).reshape(constant["shape"])
    return {"op": "constant", "attrs": {"value": array}, "inputs": [], "outputs": [value]}


def nodes_of(body: Attrs) -> list[walk.Node]:
    """The body as a graph that can be walked."""
    nodes: list[walk.Node] = []
    value = body["inputs"]
    for constant in body["constants"]:
        nodes.append(_constant(value, constant))
        value += 1
    for node in body["nodes"]:
        outputs = list(range(value, value + node["outputs"]))
        nodes.append({**node, "outputs": outputs})
        value += len(outputs)
    return nodes


def evaluate(body: Attrs, inputs: Sequence[Array]) -> dict[int, Array]:
    """Every value that the outputs need, by number."""
    return walk.evaluate(nodes_of(body), dict(enumerate(inputs)), body["outputs"])


def outputs_of(body: Attrs, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """What the body gives."""
    values = evaluate(body, inputs)
    return tuple(values[value] for value in body["outputs"])
