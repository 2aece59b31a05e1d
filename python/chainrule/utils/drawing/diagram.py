"""What a picture of a model shows: a box for each call of a layer, groups for nested models."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

from chainrule.base import tree

__all__ = ["Box", "Diagram", "Group", "Options", "describe"]

_FAMILIES = (
    "activations",
    "convolutional",
    "core",
    "merging",
    "normalization",
    "pooling",
    "preprocessing",
    "regularization",
    "reshaping",
    "rnn",
)


@dataclass(frozen=True)
class Options:
    """What is said of each layer, and whether nested models are opened."""

    shapes: bool = False
    dtype: bool = False
    names: bool = False
    activations: bool = False
    trainable: bool = False
    nested: bool = False


@dataclass
class Box:
    """A call of a layer: a title, a line below it, and rows of a label and a text."""

    number: int
    title: str
    subtitle: str
    rows: list[tuple[str, str]]
    family: str


@dataclass
class Group:
    """The calls inside a nested model: its name, a line below it, and what is in it."""

    title: str
    subtitle: str
    items: list[Box | Group] = field(default_factory=list)

    def boxes(self) -> list[Box]:
        """All boxes, those of inner groups too."""
        found: list[Box] = []
        for item in self.items:
            found.extend([item] if isinstance(item, Box) else item.boxes())
        return found


@dataclass
class Diagram:
    """The outermost group and the edges, each from a box's number to another's."""

    group: Group
    edges: list[tuple[int, int]]


def describe(model: Any, options: Options) -> Diagram:
    """The boxes, groups and edges of a model.

    A layer that is called several times is a box for each call. Of a model that is no graph (a
    subclass with `call`), the layers inside stand side by side when nested models are opened.

    Raises
    ------
    ValueError
        A model that is not built.

    Examples
    --------
    >>> import chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> diagram = describe(model, Options())
    >>> [box.title for box in diagram.group.boxes()], diagram.edges
    (['InputLayer', 'Dense'], [(0, 1)])
    """
    if not model.built:
        raise ValueError(
            f"model '{model.name}': expected a built model to draw, got one that is not; call "
            "`build(input_shape)` or begin it with an Input"
        )
    return _Describer(options).run(model)


class _Describer:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.count = 0
        self.edges: list[tuple[int, int]] = []

    def run(self, model: Any) -> Diagram:
        group = Group("", "")
        graph = _graph(model)
        if graph is None:
            if self.options.nested and model.layers:
                group.items = [Group(model.name, type(model).__name__, self._loose(model.layers))]
            else:
                group.items = [self._box(model, None, "")]
        else:
            sources: dict[int, int] = {}
            for tensor in graph.inputs:
                layer = tensor._keras_history.operation
                box = self._box(layer, layer._inbound_nodes[0], "")
                group.items.append(box)
                sources[id(tensor)] = box.number
            group.items.extend(self._calls(graph, sources))
        return Diagram(group, self.edges)

    def _loose(self, layers: Any) -> list[Box | Group]:
        """Layers of which nothing says how they are connected."""
        items: list[Box | Group] = []
        for layer in layers:
            if getattr(layer, "layers", None):
                items.append(Group(layer.name, type(layer).__name__, self._loose(layer.layers)))
            else:
                items.append(self._box(layer, None, ""))
        return items

    def _calls(self, graph: Any, sources: dict[int, int]) -> list[Box | Group]:
        """The calls of a functional graph; `sources` maps tensors to the boxes they come from."""
        items: list[Box | Group] = []
        counts: dict[int, int] = {}
        for node in graph._nodes:
            counts[id(node.operation)] = counts.get(id(node.operation), 0) + 1
        seen: dict[int, int] = {}
        for node in graph._nodes:
            operation = node.operation
            seen[id(operation)] = call = seen.get(id(operation), 0) + 1
            note = f"call {call} of {counts[id(operation)]}" if counts[id(operation)] > 1 else ""
            inner = _graph(operation) if self.options.nested else None
            if inner is not None:
                within = {
                    id(t): sources[id(outer)]
                    for t, outer in zip(inner.inputs, node.input_tensors)
                    if id(outer) in sources
                }
                kind = "  ·  ".join(part for part in (type(operation).__name__, note) if part)
                items.append(Group(operation.name, kind, self._calls(inner, within)))
                for tensor, outer in zip(inner.outputs, node.outputs):
                    sources[id(outer)] = within[id(tensor)]
                continue
            box = self._box(operation, node, note)
            items.append(box)
            origins = [sources[id(t)] for t in node.input_tensors if id(t) in sources]
            self.edges.extend((origin, box.number) for origin in dict.fromkeys(origins))
            sources.update({id(t): box.number for t in node.outputs})
        return items

    def _box(self, layer: Any, node: Any, note: str) -> Box:
        options = self.options
        rows: list[tuple[str, str]] = []
        if options.activations and hasattr(layer, "activation"):
            rows.append(("activation", _function_name(layer.activation)))
        outputs = None if node is None else node.outputs
        if options.shapes:
            if node is not None and node.input_tensors:
                rows.append(("input", _shapes(node.input_tensors)))
            rows.append(("output", "?" if outputs is None else _shapes(outputs)))
        if options.dtype:
            dtypes = [t.dtype for t in outputs or ()] or [getattr(layer, "dtype", "?")]
            rows.append(("dtype", ", ".join(dict.fromkeys(dtypes))))
        if options.trainable and getattr(layer, "weights", None):
            rows.append(("trains", "yes" if layer.trainable else "no"))
        named = layer.name if options.names else ""
        subtitle = "  ·  ".join(part for part in (named, note) if part)
        box = Box(self.count, type(layer).__name__, subtitle, rows, _family(layer))
        self.count += 1
        return box


def _graph(model: Any) -> Any:
    """The functional graph of a model, or None."""
    if hasattr(model, "_nodes"):
        return model
    return getattr(model, "_functional", None)


def _shapes(tensors: Any) -> str:
    return ", ".join(dict.fromkeys(str(tuple(t.shape)) for t in tree.flatten(tensors)))


def _function_name(function: Any) -> str:
    if inspect.isfunction(function) or inspect.isbuiltin(function):
        return function.__name__
    return getattr(function, "name", None) or type(function).__name__


def _family(layer: Any) -> str:
    """What decides the color: the folder of chainrule's layer, "input", "model", "op" or "own"."""
    kind = type(layer)
    if getattr(kind, "records_function", False):
        return "op"
    if kind.__name__ == "InputLayer":
        return "input"
    if hasattr(layer, "layers"):
        return "model"
    parts = kind.__module__.split(".")
    found = [part for part in parts if part in _FAMILIES]
    return found[0] if parts[0] == "chainrule" and found else "own"
