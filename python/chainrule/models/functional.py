"""Functional: a directed graph of layers, from `Input` tensors to outputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import tree
from chainrule.base.texts import as_texts
from chainrule.layers.core.input_layer import Input
from chainrule.layers.layer import Layer
from chainrule.models.graph import map_graph, replay
from chainrule.models.graph_config import functional_to_config, is_functional_like
from chainrule.models.host import HostPart
from chainrule.models.inputs import fit_to_shape, in_order
from chainrule.models.model import Model
from chainrule.tracing.node import Node
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor
from chainrule.training.loaded import Loaded
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
    _operations: list[Any]
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
        flat_inputs = tree.flatten(inputs)
        nodes, operations = map_graph(flat_inputs, tree.flatten(outputs), self.name)
        values["_nodes"] = nodes
        values["_operations"] = operations
        values["_input_layers"] = [t._keras_history.operation for t in flat_inputs]
        chain = [operation for operation in operations if isinstance(operation, Layer)]
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
        """The layers of the graph in Keras's order: those far from the outputs first."""
        return list(self.__dict__["_graph_layers"])

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. "
            "Please use another name."
        )

    @property
    def operations(self) -> list[Any]:
        """The layers and ops of the graph in Keras's order: those far from the outputs first."""
        return list(self._operations)

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

    @property
    def _column_names(self) -> list[str] | None:
        """The inputs of a model that has several, or a dict of them: columns of a table are theirs."""
        if isinstance(self._inputs_struct, dict):
            return sorted(self._inputs_struct)
        return self.input_names if len(self._input_layers) > 1 else None

    def build(self, input_shape: Any = None) -> None:
        """Nothing to do: the layers were built when they were called."""
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph on these inputs, given in the structure (or the order) of the model's."""
        host = self._host_part() if isinstance(inputs, Loaded) else None
        if host is not None:
            values = replay(host.rest, host.named(inputs))
        else:
            values = replay(self._nodes, self._given(inputs))
        return _alone(tree.map_structure(lambda t: values[id(t)], self._outputs_struct))

    def _given(self, inputs: Any) -> dict[int, Any]:
        """A value for the id of each input tensor."""
        given = in_order(inputs, self._inputs_struct, self.input_names, self.name)
        return {id(t): self._fitted(x, t) for x, t in zip(given, self.inputs)}

    def _host_part(self, x: Any = None) -> HostPart | None:
        """What of the graph runs before the compiled step; None where there is no such layer."""
        if self._training.host is None:
            self._training.host = (HostPart.of(self),)
        part: HostPart | None = self._training.host[0]
        return part

    def _fitted(self, x: Any, tensor: Any) -> Any:
        layer = tensor._keras_history.operation
        if x is None:
            if not getattr(layer, "optional", False):
                raise ValueError(
                    f"The input '{tensor.name}' is not optional, but None was passed. "
                    "Please provide a valid tensor."
                )
            return None
        if tensor.dtype != "string":
            x = ops.convert_to_tensor(x, dtype=tensor.dtype)
        elif not isinstance(x, KerasTensor):
            x = as_texts(x, f"model '{self.name}': input '{layer.name}'")
        return fit_to_shape(x, tuple(tensor.shape), self.name, layer.name, sizes=True)

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs' shapes: those recorded where the inputs have the declared shapes."""
        if self._host_part() is None:
            return compute_output_spec(self.call, inputs)
        values = replay(self._nodes, self._given(inputs), _spec)
        return _alone(tree.map_structure(lambda t: values[id(t)], self._outputs_struct))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for inputs of these shapes, in the structure of `inputs`."""
        symbols = tree.map_shape_structure(
            lambda shape: KerasTensor(shape, self.compute_dtype), input_shape
        )
        outputs = self.compute_output_spec(symbols)
        return tree.map_structure(lambda t: tuple(t.shape), outputs)

    def _obj_type(self) -> str:
        return "Functional"

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
        """The shapes of the inputs, flat; of a single one, its shape."""
        return _alone([tuple(t.shape) for t in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs, flat; of a single one, its shape."""
        return _alone([tuple(t.shape) for t in self.outputs])


Model._graph_class = Functional


def _spec(operation: Any, args: Any, kwargs: Any) -> Any:
    return operation.compute_output_spec(*args, **kwargs)


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
    nodes, _ = map_graph(old, tree.flatten(outputs), name)
    new = [t if _is_input(t) else Input(batch_shape=t.shape, dtype=t.dtype) for t in old]
    values = replay(nodes, {id(t): n for t, n in zip(old, new)})
    return (
        tree.pack_sequence_as(inputs, new),
        tree.map_structure(lambda t: values[id(t)], outputs),
    )
