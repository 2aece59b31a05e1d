"""A functional model as plain data: its layers, their calls, its inputs and outputs.

A tensor is named by `[layer, call, output]`: which output of which call of which layer it is,
counting only calls that belong to the model.
"""

from __future__ import annotations

import inspect
from typing import Any

from chainrule.base import tree
from chainrule.base.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing,
)
from chainrule.layers.layer import Layer
from chainrule.models.op_calls import call_from_keras, call_to_keras
from chainrule.tracing.node import Node
from chainrule.tracing.operation import Operation
from chainrule.tracing.recording import recorded_operation
from chainrule.tracing.tensor import KerasHistory, KerasTensor, any_symbolic_tensors

__all__ = ["functional_from_config", "functional_to_config"]

_OP_CALL = "OpCall"


def functional_to_config(model: Any) -> dict[str, Any]:
    """Name, layers with their calls, inputs and outputs of a functional model."""
    with sharing() as shared:
        config: dict[str, Any] = shared.finish(_functional_config(model))
    return config


def _functional_config(model: Any) -> dict[str, Any]:
    own = {id(node) for node in model._nodes}
    operations = model.operations
    calls: dict[int, int] = {}
    for operation in operations:
        kept = 0
        for node in operation._inbound_nodes:
            if id(node) in own or node.is_input:
                calls[id(node)] = kept
                kept += 1

    def place(tensor: KerasTensor) -> list[Any]:
        operation, node_index, tensor_index = tensor._keras_history
        return [operation.name, calls[id(operation._inbound_nodes[node_index])], tensor_index]

    def stand_in(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return x
        other = KerasTensor(x.shape, x.dtype)
        operation, _, tensor_index = x._keras_history
        other._keras_history = KerasHistory(operation, place(x)[1], tensor_index)
        return other

    def call_of(args: Any, kwargs: Any) -> dict[str, Any]:
        return {"args": serialize_keras_object(args), "kwargs": serialize_keras_object(kwargs)}

    def op_of(operation: Any, node: Node) -> tuple[dict[str, Any], Any]:
        args, kwargs = node.arguments.convert(stand_in)
        found = call_to_keras(operation, args, kwargs)
        if found is None:
            found = _op_config(operation), tuple(map(_with_tuples, args)), _with_tuples(kwargs)
        entry, args, kwargs = found
        return entry, [call_of(args, kwargs)]

    layers = []
    for operation in operations:
        nodes = [node for node in operation._inbound_nodes if id(node) in own]
        if _records_function(operation):
            entry, inbound = op_of(operation, *nodes)
        else:
            entry = dict(serialize_keras_object(operation))
            inbound = [call_of(*node.arguments.convert(stand_in)) for node in nodes]
        layers.append({**entry, "name": operation.name, "inbound_nodes": inbound})
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": tree.map_structure(place, model._inputs_struct),
        "output_layers": tree.map_structure(place, model._outputs_struct),
    }


def _records_function(operation: Any) -> bool:
    return getattr(type(operation), "records_function", False) is True


def _with_tuples(x: Any) -> Any:
    """`x` with each tuple marked as one: `t[:, 1]` and `t[[0, 1]]` differ, and JSON has lists."""
    if isinstance(x, tuple):
        return {"class_name": "__tuple__", "config": [_with_tuples(item) for item in x]}
    if isinstance(x, list):
        return [_with_tuples(item) for item in x]
    return {key: _with_tuples(v) for key, v in x.items()} if isinstance(x, dict) else x


def _op_config(operation: Any) -> dict[str, Any]:
    """A call of an op that Keras does not have, or not with these arguments."""
    return {"class_name": _OP_CALL, "config": {"function": type(operation).__name__}}


def functional_from_config(
    cls: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
) -> Any:
    """The model that `functional_to_config` described, of class `cls`.

    Raises
    ------
    ValueError
        A configuration that is incomplete, whose calls refer to each other in a circle, or that
        calls something on no tensor of the model.
    """
    with sharing():
        return _functional_from_config(cls, config, custom_objects)


def _functional_from_config(
    cls: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None
) -> Any:
    config = dict(config)
    try:
        layers, inputs, outputs = (
            config.pop(key) for key in ("layers", "input_layers", "output_layers")
        )
        pending = {entry["name"]: list(entry["inbound_nodes"]) for entry in layers}
        made = {entry["name"]: _operation(entry, custom_objects) for entry in layers}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"Functional.from_config: expected layers with names and calls, got: {error!r}"
        ) from error
    tensors: dict[tuple[str, int, int], Any] = {}
    for name, operation in made.items():
        if isinstance(operation, Layer) and not pending[name]:
            for node in operation._inbound_nodes[:1]:
                for i, tensor in enumerate(node.outputs):
                    tensors[name, 0, i] = tensor
    done = dict.fromkeys(pending, 0)
    while any(pending.values()):
        progress = False
        for name, calls in pending.items():
            while calls:
                call = _arguments(calls[0], tensors)
                if call is None:
                    break
                calls.pop(0)
                progress = True
                if not any_symbolic_tensors(*call):
                    raise ValueError(
                        f"Functional.from_config: expected each call to take a tensor of the model, "
                        f"got a call of '{name}' on constants alone"
                    )
                outputs_of_call = tree.flatten(made[name](*call[0], **call[1]))
                for i, tensor in enumerate(outputs_of_call):
                    tensors[name, done[name], i] = tensor
                if not isinstance(made[name], Operation):
                    outputs_of_call[0]._keras_history.operation.name = name
                done[name] += 1
        if not progress:
            waiting = [name for name, calls in pending.items() if calls]
            raise ValueError(
                "Functional.from_config: expected calls that can be made one after the other, got "
                f"missing inputs or a circle at {waiting}"
            )

    def find(x: Any) -> Any:
        if isinstance(x, (list, tuple)) and len(x) == 3 and isinstance(x[0], str):
            try:
                return tensors[x[0], x[1], x[2]]
            except (KeyError, TypeError):
                raise ValueError(f"Functional.from_config: no tensor {list(x)}") from None
        if isinstance(x, dict):
            return {key: find(value) for key, value in x.items()}
        if isinstance(x, (list, tuple)):
            return type(x)(find(value) for value in x)
        raise ValueError(f"Functional.from_config: expected [layer, call, output], got {x!r}")

    return cls(inputs=find(inputs), outputs=find(outputs), **config)


def _operation(entry: dict[str, Any], custom_objects: Any) -> Any:
    """The layer of an entry, or a function that records an op's call."""
    if entry.get("class_name") == _OP_CALL:
        name = entry["config"]["function"]
        function = recorded_operation(name)
        if function is None:
            raise ValueError(f"Functional.from_config: expected an op of chainrule, got {name!r}")
        return function
    function = call_from_keras(entry, deserialize_keras_object)
    if function is not None:
        return function
    data = {key: value for key, value in entry.items() if key not in ("name", "inbound_nodes")}
    found = deserialize_keras_object(data, custom_objects=custom_objects)
    if not isinstance(found, Operation):
        raise ValueError(f"Functional.from_config: expected a layer, got {type(found).__name__}")
    return found


def _arguments(call: dict[str, Any], tensors: dict[tuple[str, int, int], Any]) -> Any:
    """Arguments of a call with the tensors in their places; None where one is not made yet."""
    missing = False

    def fill(x: Any) -> Any:
        nonlocal missing
        if not isinstance(x, KerasTensor):
            return x
        history = getattr(x, "_pre_serialization_keras_history", None)
        if not history:
            return x
        found = tensors.get(tuple(history))
        missing = missing or found is None
        return found

    args = tree.map_structure(fill, deserialize_keras_object(call["args"]))
    kwargs = tree.map_structure(fill, deserialize_keras_object(call["kwargs"]))
    return None if missing else (tuple(args), kwargs)


def is_functional_like(cls: Any, base: Any) -> bool:
    """Whether `cls` is made from inputs and outputs as `base`, Functional, is."""
    mine = inspect.getfullargspec(cls.__init__)
    if mine.args[1:] == inspect.getfullargspec(base.__init__).args[1:]:
        return True
    return mine.varargs is not None and mine.varkw is not None
