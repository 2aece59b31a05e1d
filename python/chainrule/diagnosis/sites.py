"""Where to look in a traced step: activations, recurrences, outputs, and what enters the weights.

They are found among the nodes of the graph, whatever classes the model is made of; a node knows the
path of the layer that was being called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Entry", "Output", "Recurrence", "Site", "Sites", "layers_by_path"]

Node = dict[str, Any]

_LEAVES = ("input", "read", "constant")
_UNARY = ("relu", "tanh", "sigmoid", "silu", "gelu", "softplus")
_CLASSES = {
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "Softmax": "softmax",
}
_RECURRENT = {"lstm": "tanh", "gru": "tanh", "simple_rnn": "", "scan": ""}
_WEIGHTED = ("dense", "conv", "conv_transpose", "matmul", "scan", *_RECURRENT)
_PRODUCTS = ("dense", "conv", "conv_transpose", "matmul")
_SHAPING = ("reshape", "cast")


@dataclass(frozen=True)
class Site:
    """A value that an activation gives.

    Attributes
    ----------
    layer : str
        Path of the layer that applies it.
    kind : str
        Name of the activation.
    value : int
        Its number in the graph.
    depth : int
        How many activations lie on the longest way from the inputs, itself included.
    axis : int
        Of its units (channels).
    is_output : bool
        Whether the model gives it.
    """

    layer: str
    kind: str
    value: int
    depth: int
    axis: int
    is_output: bool


@dataclass(frozen=True)
class Recurrence:
    """A recurrence over the steps of a sequence: what enters and leaves it, and their axis of time."""

    layer: str
    kind: str
    value: int
    states: int
    axis: int
    masked: bool
    reverse: bool


@dataclass(frozen=True)
class Output:
    """An output of the model: its value, and that before its last activation, where there is one.

    Attributes
    ----------
    layer, kind : str
        As of a `Site`; "linear" of a product without activation, "" where neither is known.
    value : int
    before : int or None
        None where activation and product are one op.
    """

    layer: str
    kind: str
    value: int
    before: int | None
    units: int


@dataclass(frozen=True)
class Entry:
    """What the first weights of a path are multiplied with: layer, op, value, its axis of features."""

    layer: str
    op: str
    value: int
    axis: int
    rank: int


def layers_by_path(model: Any) -> dict[str, Any]:
    """Every layer by the names of those around it and its own, as the nodes of a graph have them."""

    def walk(layer: Any, path: str) -> Iterator[tuple[str, Any]]:
        yield path, layer
        for inner in layer._layers:
            yield from walk(inner, f"{path}/{inner.name}")

    return dict(walk(model, model.name))


class Sites:
    """All of a traced step's places.

    Parameters
    ----------
    graph : _core.Graph
        After the forward pass, before anything is differentiated.
    layers : dict
        As `layers_by_path` gives them.
    outputs : sequence of int
        The values that the model gives.

    Attributes
    ----------
    activations : list of Site
        In the order of the calls.
    recurrences : list of Recurrence
    outputs : list of Output
    entries : list of Entry
    """

    def __init__(self, graph: Any, layers: Mapping[str, Any], outputs: Sequence[int]) -> None:
        self._graph = graph
        self._layers = layers
        self._nodes: list[Node] = graph.nodes()
        self._makers = {v: node for node in self._nodes for v in node["outputs"]}
        self._ends = {self._unshaped(v) for v in outputs} | set(outputs)
        found = self._find_activations()
        depths = self._depths({value for _, _, value in found})
        self.activations = [
            Site(layer, kind, v, depths[v], self._axis(layer, v), self._unshaped(v) in self._ends)
            for layer, kind, v in found
        ]
        self.recurrences = [
            self._recurrence(node) for node in self._nodes if node["op"] in _RECURRENT
        ]
        kinds = {value: (layer, kind) for layer, kind, value in found}
        self.outputs = [self._output(v, kinds) for v in outputs]
        self.entries = self._find_entries()

    def _is_float(self, value: int) -> bool:
        return str(self._graph.spec(value)[1]).startswith("float")

    def _unshaped(self, value: int) -> int:
        """The value that was only reshaped to this one."""
        while self._makers[value]["op"] in _SHAPING:
            value = self._makers[value]["inputs"][0]
        return value

    def _calls(self) -> Iterator[tuple[str, list[Node]]]:
        """The nodes of each call of a layer that follow one another."""
        path, nodes = "", list[Node]()
        for node in self._nodes:
            if node["op"] in _LEAVES:
                continue
            if node["layer"] != path and nodes:
                yield path, nodes
                nodes = []
            path = node["layer"]
            nodes.append(node)
        if nodes:
            yield path, nodes

    def _find_activations(self) -> list[tuple[str, str, int]]:
        found = []
        for path, nodes in self._calls():
            recurrent = [node for node in nodes if node["op"] in _RECURRENT]
            declared = _declared(self._layers.get(path))
            if recurrent:
                for node in recurrent:
                    kind = _RECURRENT[node["op"]] or node["attrs"].get("activation") or "tanh"
                    value = node["outputs"][-1 if node["op"] == "scan" else 0]
                    if kind != "linear" and self._is_float(value):
                        found.append((path, kind, value))
            elif declared:
                value = self._unshaped(nodes[-1]["outputs"][0])
                if self._is_float(value):
                    found.append((path, declared, value))
            else:
                for node in nodes:
                    kind = node["attrs"].get("activation", "linear")
                    if node["op"] == "unary" and node["attrs"]["function"] in _UNARY:
                        kind = node["attrs"]["function"]
                    elif node["op"] == "softmax" and node["outputs"][0] in self._ends:
                        kind = "softmax"
                    if kind != "linear":
                        found.append((path, kind, node["outputs"][0]))
        return found

    def _depths(self, sites: set[int]) -> dict[int, int]:
        depths: dict[int, int] = {}
        for node in self._nodes:
            below = max((depths.get(v, 0) for v in node["inputs"]), default=0)
            for value in node["outputs"]:
                depths[value] = below + (value in sites)
        return depths

    def _axis(self, layer: str, value: int) -> int:
        """The axis of channels."""
        first = getattr(self._layers.get(layer), "data_format", None) == "channels_first"
        rank = len(self._graph.spec(value)[0])
        return 1 if first and rank > 2 else rank - 1

    def _recurrence(self, node: Node) -> Recurrence:
        attrs = node["attrs"]
        kind = str(node["op"])
        reverse = bool(attrs.get("reverse", False))
        if kind != "scan":
            masked = bool(attrs.get("masked", False))
            inside, outside = node["inputs"][0], node["outputs"][0]
            return Recurrence(node["layer"], kind, inside, outside, 1, masked, reverse)
        longest = max(node["outputs"], key=lambda v: len(self._graph.spec(v)[0]))
        steps = self._graph.spec(longest)[0][0]
        entering = [
            v
            for v in node["inputs"]
            if self._is_float(v)
            and len(self._graph.spec(v)[0]) > 2
            and self._graph.spec(v)[0][0] == steps
        ]
        value = entering[0] if entering else longest
        return Recurrence(node["layer"], kind, value, longest, 0, False, reverse)

    def _output(self, value: int, kinds: Mapping[int, tuple[str, str]]) -> Output:
        end = self._unshaped(value)
        node = self._makers[end]
        layer, kind = kinds.get(end, (node["layer"], "linear"))
        units = ([1] + [int(n) for n in self._graph.spec(value)[0]])[-1]
        if kind == "linear":
            # Of what is computed in another way, nothing is known.
            kind = "linear" if node["op"] in _PRODUCTS else ""
            return Output(layer, kind, value, value, units)
        is_apart = node["op"] in ("softmax", "unary")
        return Output(layer, kind, value, node["inputs"][0] if is_apart else None, units)

    def _find_entries(self) -> list[Entry]:
        found: dict[int, Entry] = {}
        weighted: set[int] = set()
        fed: set[int] = set()
        weights: set[int] = set()
        for node in self._nodes:
            inputs, outputs = node["inputs"], node["outputs"]
            if node["op"] == "input":
                fed.update(outputs)
            elif node["op"] == "read":
                weights.update(outputs)
            elif node["op"] == "gather" or weighted.intersection(inputs):
                weighted.update(outputs)
            elif not fed.intersection(inputs):
                weights.update(outputs if weights.intersection(inputs) else ())
            else:
                if node["op"] not in _WEIGHTED or not weights.intersection(inputs):
                    fed.update(outputs)
                    continue
                weighted.update(outputs)
                value = next(v for v in inputs if v in fed)
                if self._is_float(value) and value not in found:
                    axis = self._axis(node["layer"], value)
                    rank = len(self._graph.spec(value)[0])
                    found[value] = Entry(node["layer"], node["op"], value, axis, rank)
        return list(found.values())


def _declared(layer: Any) -> str:
    """The name of the activation that a layer says it applies; "" where it says none."""
    if layer is None or layer._layers:
        return ""
    name = _CLASSES.get(type(layer).__name__)
    if name is not None:
        return name
    function = getattr(layer, "activation", None)
    name = str(getattr(function, "__name__", type(function).__name__)) if function else ""
    return "" if name == "linear" else name
