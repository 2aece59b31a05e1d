"""Functional: a directed graph of layers, from `Input` tensors to outputs."""

from __future__ import annotations

from typing import Any

from chainrule import tree
from chainrule.layers.core.input_layer import InputLayer
from chainrule.layers.layer import Layer
from chainrule.layers.node import Node
from chainrule.models.model import Model
from chainrule.tensor import KerasTensor
from chainrule.training.trainer import Trainer


class Functional(Model):
    """The layers between `inputs` and `outputs`, each call in the order of the graph.

    Parameters
    ----------
    inputs, outputs : KerasTensor or structure of them
    name : str, optional

    Raises
    ------
    ValueError
        When an output does not depend on the inputs alone.

    Examples
    --------
    >>> import chainrule as keras
    >>> x = keras.Input((4,))
    >>> a = keras.layers.Dense(3)(x)
    >>> model = keras.Model(x, keras.layers.Add()([a, a]))
    >>> model.output_shape
    (None, 3)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        Layer.__init__(self, name=name, trainable=trainable, **kwargs)
        Trainer.__init__(self)
        for leaf in tree.flatten((inputs, outputs)):
            if not isinstance(leaf, KerasTensor) or not hasattr(leaf, "_keras_history"):
                raise ValueError(
                    f"model '{self.name}': expected inputs made by Input and outputs made from "
                    f"them, got {leaf!r}"
                )
        self.__dict__["_inputs_struct"] = inputs
        self.__dict__["_outputs_struct"] = outputs
        self.__dict__["_nodes"] = _order(tree.flatten(inputs), tree.flatten(outputs), self.name)
        chain: list[Any] = []
        for tensor in tree.flatten(inputs):
            chain.append(tensor._keras_history.operation)
        for node in self._nodes:
            if isinstance(node.operation, Layer) and node.operation not in chain:
                chain.append(node.operation)
        self._graph_layers = chain
        self.output_names = _names(tree.flatten(outputs), outputs)
        self.built = True

    @property
    def layers(self) -> list[Layer]:
        """The layers of the graph, inputs first."""
        return list(self._graph_layers)

    def build(self, input_shape: Any = None) -> None:
        """Nothing to do: the layers were built when they were called."""
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph on these inputs, given in the structure (or the order) of the model's."""
        wanted = tree.flatten(self._inputs_struct)
        if isinstance(inputs, dict) and not isinstance(self._inputs_struct, dict):
            given = [inputs[t._keras_history.operation.name] for t in wanted]
        else:
            given = tree.flatten(inputs)
        if len(given) != len(wanted):
            raise ValueError(
                f"model '{self.name}': expected {len(wanted)} inputs, got {len(given)}"
            )
        values = {id(t): v for t, v in zip(wanted, given)}
        for node in self._nodes:
            args, kwargs = node.arguments.fill_in(values)
            outputs = node.operation(*args, **kwargs)
            for tensor, value in zip(node.outputs, tree.flatten(outputs)):
                values[id(tensor)] = value
        return tree.map_structure(lambda t: values[id(t)], self._outputs_struct)

    @property
    def inputs(self) -> list[Any]:
        """The symbolic inputs, flat."""
        return list(tree.flatten(self._inputs_struct))

    @property
    def outputs(self) -> list[Any]:
        """The symbolic outputs, flat."""
        return list(tree.flatten(self._outputs_struct))

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs in their structure."""
        return tree.map_structure(lambda t: tuple(t.shape), self._inputs_struct)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs in their structure."""
        return tree.map_structure(lambda t: tuple(t.shape), self._outputs_struct)


def _order(inputs: list[Any], outputs: list[Any], name: str) -> list[Node]:
    """The nodes that make the outputs, each after those whose outputs it takes."""
    given = {id(t) for t in inputs}
    done: set[int] = set()
    order: list[Node] = []
    pending: list[tuple[Any, bool]] = [(t, False) for t in reversed(outputs)]
    while pending:
        tensor, ready = pending.pop()
        if id(tensor) in given:
            continue
        history = tensor._keras_history
        if history.operation is None or isinstance(history.operation, InputLayer):
            raise ValueError(
                f"model '{name}': expected outputs that depend on the inputs alone, got one that "
                f"depends on {tensor!r}"
            )
        node = history.operation._inbound_nodes[history.node_index]
        if id(node) in done:
            continue
        if ready:
            done.add(id(node))
            order.append(node)
            continue
        pending.append((tensor, True))
        pending.extend((t, False) for t in reversed(node.input_tensors))
    return order


def _names(outputs: list[Any], structure: Any) -> list[str]:
    if isinstance(structure, dict):
        return sorted(structure)
    names: list[str] = []
    for tensor in outputs:
        name = tensor._keras_history.operation.name
        while name in names:
            name += "_1"
        names.append(name)
    return names
