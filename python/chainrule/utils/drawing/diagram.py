"""What a picture of a model shows: a box for each call of a layer, groups for nested models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple

from chainrule.base import tree

__all__ = ["Item", "Options", "describe"]

_SEPARATOR = "  ·  "
# By the folder of chainrule's layer.
COLORS = {
    "activations": "#b4690e", "convolutional": "#1f5fa8", "core": "#2f4b7c",
    "input": "#4a5560", "merging": "#6a4c93", "model": "#0f766e",
    "normalization": "#3f7d3a", "op": "#7a7f87", "own": "#a23b72",
    "pooling": "#0e7490", "preprocessing": "#8a5a2b", "regularization": "#a14a3b",
    "reshaping": "#64748b", "rnn": "#8a3ffc",
}  # fmt: skip


class Options(NamedTuple):
    """What is said of each layer, and whether nested models are opened."""

    shapes: bool = False
    dtype: bool = False
    names: bool = False
    activations: bool = False
    trainable: bool = False
    nested: bool = False


class Item(NamedTuple):
    """A call of a layer (a box, with a number), or of a nested model with its items (a group)."""

    title: str
    subtitle: str
    number: int = -1
    rows: Sequence[tuple[str, str]] = ()
    color: str = ""
    items: Sequence[Item] = ()

    def boxes(self) -> list[Item]:
        """Itself, or all boxes inside."""
        return [self] if self.number >= 0 else [b for item in self.items for b in item.boxes()]


def describe(model: Any, options: Options) -> tuple[Item, list[tuple[int, int]]]:
    """What is in a model, as a group, and the edges, each from a box's number to another's.

    A layer that is called several times is a box for each call. The layers in a model that is no
    graph (a subclass with `call`) have no edges. A model that is not built is a ValueError.
    """
    if not model.built:
        raise ValueError(
            f"model '{model.name}': expected a built model to draw, got one that is not; call "
            "`build(input_shape)` or begin it with an Input"
        )
    describer = _Describer(options)
    graph = _graph(model)
    if graph is None:
        return Item("", "", items=describer.layers([model])), []
    inputs = [tensor._keras_history.operation._inbound_nodes[0] for tensor in graph.inputs]
    return Item("", "", items=describer.calls([*inputs, *graph._nodes], {})), describer.edges


class _Describer:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.edges: list[tuple[int, int]] = []
        self.numbers = count()

    def layers(self, layers: Iterable[Any]) -> list[Item]:
        """Layers of which nothing says how they are connected."""
        items = []
        for layer in layers:
            inside = getattr(layer, "layers", None) if self.options.nested else None
            group = Item(layer.name, type(layer).__name__, items=self.layers(inside or ()))
            items.append(group if inside else self.box(layer, None, ""))
        return items

    def calls(self, nodes: list[Any], sources: dict[int, int]) -> list[Item]:
        """The calls of a functional graph; `sources` maps tensors to the boxes they come from."""
        items: list[Item] = []
        calls = Counter(id(node.operation) for node in nodes)
        seen: Counter[int] = Counter()
        for node in nodes:
            layer = node.operation
            seen[id(layer)] += 1
            several = calls[id(layer)] > 1
            note = f"call {seen[id(layer)]} of {calls[id(layer)]}" if several else ""
            graph = _graph(layer) if self.options.nested else None
            if graph is None:
                box = self.box(layer, node, note)
                items.append(box)
                origins = [sources[id(t)] for t in node.input_tensors if id(t) in sources]
                self.edges += [(origin, box.number) for origin in dict.fromkeys(origins)]
                sources.update((id(t), box.number) for t in node.outputs)
            else:
                pairs = zip(graph.inputs, node.input_tensors)
                within = {id(t): sources[id(outer)] for t, outer in pairs if id(outer) in sources}
                inner = self.calls(graph._nodes, within)
                subtitle = _SEPARATOR.join(filter(None, (type(layer).__name__, note)))
                items.append(Item(layer.name, subtitle, items=inner))
                pairs = zip(graph.outputs, node.outputs)
                sources.update((id(outer), within[id(t)]) for t, outer in pairs)
        return items

    def box(self, layer: Any, node: Any, note: str) -> Item:
        options = self.options
        rows: list[tuple[str, str]] = []
        if options.activations and hasattr(layer, "activation"):
            function = layer.activation
            names = (getattr(function, name, None) for name in ("__name__", "name"))
            rows.append(("activation", next(filter(None, names), type(function).__name__)))
        if options.shapes:
            if node is not None and node.input_tensors:
                rows.append(("input", _shapes(node.input_tensors)))
            rows.append(("output", "?" if node is None else _shapes(node.outputs)))
        if options.dtype:
            dtypes = (x.dtype for x in ([layer] if node is None else node.outputs))
            rows.append(("dtype", ", ".join(dict.fromkeys(dtypes))))
        if options.trainable and getattr(layer, "weights", None):
            rows.append(("trains", "yes" if layer.trainable else "no"))
        subtitle = _SEPARATOR.join(filter(None, (layer.name * options.names, note)))
        color = COLORS[_family(layer)]
        return Item(type(layer).__name__, subtitle, next(self.numbers), rows, color)


def _graph(model: Any) -> Any:
    """The functional graph of a model, or None."""
    return model if hasattr(model, "_nodes") else getattr(model, "_functional", None)


def _shapes(tensors: Any) -> str:
    return ", ".join(dict.fromkeys(str(tuple(t.shape)) for t in tree.flatten(tensors)))


def _family(layer: Any) -> str:
    kind = type(layer)
    if getattr(kind, "records_function", False):
        return "op"
    if kind.__name__ == "InputLayer":
        return "input"
    if hasattr(layer, "layers"):
        return "model"
    folders = kind.__module__.split(".")
    return next((f for f in folders if f in COLORS and folders[0] == "chainrule"), "own")
