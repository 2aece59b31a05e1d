"""From a traced model to the file's graph: each op by its translation, constants computed beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base.sizes import Size
from chainrule.exporting.onnx import load
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Node, Spec, Value
from chainrule.exporting.words import WORDS
from chainrule.reference.walk import FROM_OUTSIDE, ancestors

__all__ = ["body_values", "decoded", "walk"]

# A result that is the same for all inputs is written as a constant up to so many bytes, or up to those of
# what it is computed from.
_SMALL = 1 << 16
_OWN_GRAPHS = ("body", "forward", "backward")


def decoded(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with their sizes, for which words stand; graphs that an op owns stay as they are."""
    return {k: x if k in _OWN_GRAPHS else _decoded(x) for k, x in attrs.items()}


def _decoded(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [_decoded(item) for item in x]
    is_word = isinstance(x, int) and not isinstance(x, bool) and x < WORDS
    return Size.of_word(x) if is_word else x


def walk(
    g: Graph,
    graph: _core.Graph,
    values: dict[int, Value],
    targets: Sequence[int],
) -> None:
    """Translate what the targets are computed from.

    Parameters
    ----------
    g : Graph
        To which nodes are added.
    graph : _core.Graph
        What the core traced.
    values : dict
        The values of the inputs and of what is read, by number; gets all others.
    targets : sequence of int

    Raises
    ------
    ValueError
        An op that ONNX cannot hold; the message names its layer.
    """
    nodes = ancestors(graph.nodes(), targets)
    readers: dict[int, list[Any]] = {}
    for node in nodes:
        node["attrs"] = decoded(node["attrs"])  # type: ignore[index]
        for value in node["inputs"]:
            readers.setdefault(value, []).append((node["op"], node["attrs"]))
    for value in targets:
        readers.setdefault(value, []).append(None)
    for node in nodes:
        outputs: list[int] = node["outputs"]
        if node["op"] == "constant":
            array = node["attrs"]["value"]
            values.setdefault(outputs[0], Value(_spec(graph, outputs[0]), array=array))
        elif node["op"] not in FROM_OUTSIDE:
            g.root.layer = node["layer"]
            call = Node(
                node["op"],
                node["attrs"],
                tuple(values[value] for value in node["inputs"]),
                tuple(_spec(graph, value) for value in outputs),
                tuple(tuple(readers.get(value, ())) for value in outputs),
            )
            values.update(zip(outputs, _translated(g, call, node["layer"]), strict=True))
            if g is g.root:
                _show_sizes(g, [values[value] for value in outputs])


def _show_sizes(g: Graph, values: Iterable[Value]) -> None:
    """Note where sizes can be read that are not those of an input's axis."""
    for value in values:
        for axis, n in enumerate(value.shape):
            if isinstance(n, Size) and (value.name or value.first) and g.symbol_of(n) is None:
                g.places.setdefault(n, (value, axis))


def _spec(graph: _core.Graph, value: int) -> Spec:
    return Spec(*graph.spec(value))


def _translated(g: Graph, node: Node, layer: str) -> Iterable[Value]:
    if _is_constant(node):
        arrays = [x.array for x in node.inputs if x.array is not None]
        found = _core.eager(node.op, dict(node.attrs), arrays)
        label = f"{layer}/constant" if layer else "constant"
        return [Value(spec, array=x, label=label) for spec, x in zip(node.outputs, found)]
    translate = load(node.op, layer)
    if all(spec.is_known and spec.nbytes == 0 for spec in node.outputs):
        return [Value(spec, array=np.zeros(spec.shape, spec.dtype)) for spec in node.outputs]
    made = translate(g, node)
    results = [made] if isinstance(made, (str, Value)) else list(made)
    found_values = [g.made(x, spec) for x, spec in zip(results, node.outputs, strict=True)]
    for value in found_values:
        if value.origin is None:
            value.origin = node
    return found_values


def _is_constant(node: Node) -> bool:
    """Whether a call gives the same for all inputs, in no more room than is spent anyway."""
    if any(x.array is None for x in node.inputs) or not all(s.is_known for s in node.outputs):
        return False
    if any(isinstance(n, Size) for x in node.attrs.values() for n in np.ravel([x]).tolist()):
        return False
    given = sum(x.array.nbytes for x in node.inputs if x.array is not None)
    return sum(spec.nbytes for spec in node.outputs) <= max(given, _SMALL)


def body_values(g: Graph, body: Mapping[str, Any], inputs: Sequence[Value]) -> list[Value]:
    """What a graph that an op owns gives for these inputs, its nodes added to `g`."""
    graph = _core.Graph()
    numbers = [graph.input("", x.shape, x.dtype) for x in inputs]
    outputs = graph.push_body(dict(body), numbers)
    values = dict(zip(numbers, inputs))
    layer = g.root.layer
    walk(g, graph, values, outputs)
    g.root.layer = layer
    return [values[value] for value in outputs]
