"""Functional: a directed graph of layers, from `Input` tensors to outputs."""

from __future__ import annotations

from typing import Any

from chainrule import dispatch, ops, tree
from chainrule.layers.core.input_layer import Input, InputLayer
from chainrule.layers.layer import Layer
from chainrule.layers.node import Node
from chainrule.models.graph_config import functional_to_config, is_functional_like
from chainrule.models.inputs import fit_to_shape
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

    _inputs_struct: Any
    _outputs_struct: Any
    _nodes: list[Node]
    _input_layers: list[Any]

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
        for what, structure in (("inputs", inputs), ("outputs", outputs)):
            for leaf in tree.flatten(structure):
                if not isinstance(leaf, KerasTensor) or not hasattr(leaf, "_keras_history"):
                    raise ValueError(
                        f"All `{what}` values must be KerasTensors. Model '{self.name}' expected "
                        f"tensors made by Input and by calls of layers on them, got {leaf!r}"
                    )
        if any(not _is_input(t) for t in tree.flatten(inputs)):
            inputs, outputs = _on_new_inputs(inputs, outputs, self.name)
        values = self.__dict__
        values["_inputs_struct"] = inputs
        values["_outputs_struct"] = outputs
        values["_nodes"] = _order(tree.flatten(inputs), tree.flatten(outputs), self.name)
        values["_input_layers"] = [t._keras_history.operation for t in tree.flatten(inputs)]
        chain: list[Any] = list(self._input_layers)
        for node in self._nodes:
            if isinstance(node.operation, Layer) and all(node.operation is not x for x in chain):
                chain.append(node.operation)
        values["_graph_layers"] = chain
        for layer in chain:
            self._tracker.track(layer)
        self.output_names = _names(tree.flatten(outputs))
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.built = True

    def _lock_state(self) -> None:
        """Nothing: layers beside the graph may be attached at any time."""

    @property
    def layers(self) -> list[Layer]:
        """The layers of the graph, inputs first."""
        return list(self.__dict__["_graph_layers"])

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. "
            "Please use another name."
        )

    @property
    def operations(self) -> list[Any]:
        """The layers and ops of the graph, inputs first."""
        found = list(self._input_layers)
        for node in self._nodes:
            if all(node.operation is not known for known in found):
                found.append(node.operation)
        return found

    @property
    def input(self) -> Any:
        """The symbolic inputs in their structure."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs in their structure."""
        return self._outputs_struct

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, flat."""
        return [layer.name for layer in self._input_layers]

    def build(self, input_shape: Any = None) -> None:
        """Nothing to do: the layers were built when they were called."""
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph on these inputs, given in the structure (or the order) of the model's."""
        wanted = tree.flatten(self._inputs_struct)
        given = self._matched(inputs, wanted)
        given = [self._fitted(x, t) for x, t in zip(given, wanted)]
        values = {id(t): v for t, v in zip(wanted, given)}
        for node in self._nodes:
            args, kwargs = node.arguments.fill_in(values)
            outputs = node.operation(*args, **kwargs)
            for tensor, value in zip(node.outputs, tree.flatten(outputs)):
                values[id(tensor)] = value
        return _alone(tree.map_structure(lambda t: values[id(t)], self._outputs_struct))

    def _matched(self, inputs: Any, wanted: list[Any]) -> list[Any]:
        """The inputs in the order of the model's: by name from a dict, else flat."""
        if isinstance(inputs, dict):
            named = isinstance(self._inputs_struct, dict)
            names = list(self._inputs_struct) if named else self.input_names
            flat_names = sorted(names) if named else names
            if all(not tree.is_nested(v) for v in inputs.values()):
                missing = [name for name in flat_names if name not in inputs]
                if missing and not (named and len(inputs) == len(names)):
                    raise ValueError(
                        f"model '{self.name}': The structure of `inputs` doesn't match the "
                        f"expected structure. Expected keys {flat_names}, got {sorted(inputs)}"
                    )
                if not missing:
                    return [inputs[name] for name in flat_names]
        given: list[Any] = tree.flatten(inputs)
        if len(given) != len(wanted):
            raise ValueError(
                f"model '{self.name}': The structure of `inputs` doesn't match the expected "
                f"structure. Expected {len(wanted)} inputs {self.input_names}, got {len(given)}"
            )
        return given

    def _fitted(self, x: Any, tensor: Any) -> Any:
        layer = tensor._keras_history.operation
        if x is None:
            if not getattr(layer, "optional", False):
                raise ValueError(
                    f"The input '{tensor.name}' is not optional, but None was passed. "
                    "Please provide a valid tensor."
                )
            return None
        x = ops.convert_to_tensor(x, dtype=tensor.dtype)
        return fit_to_shape(x, tuple(tensor.shape), self.name, layer.name, sizes=True)

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs' shapes: those recorded where the inputs have the declared shapes."""
        return dispatch.compute_output_spec(self.call, inputs)

    def get_config(self) -> dict[str, Any]:
        """The graph as plain data; of subclasses with arguments of their own, those arguments."""
        if not is_functional_like(type(self), Functional):
            return Model.get_config(self)
        return functional_to_config(self)

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
        return _alone(tree.map_structure(lambda t: tuple(t.shape), self._inputs_struct))

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs in their structure."""
        return _alone(tree.map_structure(lambda t: tuple(t.shape), self._outputs_struct))


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
                f"Output of model '{name}' is not connected to `inputs`: expected outputs that "
                f"depend on the inputs alone, got one that depends on {tensor!r}"
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


def _names(outputs: list[Any]) -> list[str]:
    return [tensor._keras_history.operation.name for tensor in outputs]


def _alone(x: Any) -> Any:
    """What a list of one holds."""
    return x[0] if isinstance(x, list) and len(x) == 1 else x


def _is_input(tensor: Any) -> bool:
    operation, node_index, _ = tensor._keras_history
    return operation is not None and operation._inbound_nodes[node_index].is_input


def _on_new_inputs(inputs: Any, outputs: Any, name: str) -> tuple[Any, Any]:
    """The graph between these tensors, called again on inputs of its own."""
    old = tree.flatten(inputs)
    nodes = _order(old, tree.flatten(outputs), name)
    new = [t if _is_input(t) else Input(batch_shape=t.shape, dtype=t.dtype) for t in old]
    values = {id(t): n for t, n in zip(old, new)}
    for node in nodes:
        args, kwargs = node.arguments.fill_in(values)
        made = node.operation(*args, **kwargs)
        values.update({id(t): v for t, v in zip(node.outputs, tree.flatten(made))})
    return (
        tree.pack_sequence_as(inputs, new),
        tree.map_structure(lambda t: values[id(t)], outputs),
    )
