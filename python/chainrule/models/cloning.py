"""clone_model: the same architecture with new weights."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from chainrule.base import tree
from chainrule.layers.core.input_layer import Input, InputLayer
from chainrule.models.functional import Functional
from chainrule.models.graph import replay
from chainrule.models.graph_config import is_functional_like
from chainrule.models.model import Model
from chainrule.models.sequential import Sequential
from chainrule.tracing.operation import Operation
from chainrule.tracing.tensor import KerasTensor

__all__ = ["clone_model"]

Clone = Callable[[Any], Any]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Clone | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Model:
    """A model of the same layers, freshly initialized, and compiled as the model was.

    A layer that is called more than once is copied once.

    Parameters
    ----------
    model : Sequential or Functional
        Another model is made again from its `get_config`.
    input_tensors : KerasTensor, InputLayer, or structure of them, optional
        What the copy starts from. Default: inputs like those of `model`.
    clone_function : callable, optional
        Gives the new layer for each layer but the inputs; default
        ``layer.__class__.from_config(layer.get_config())``.
    call_function : callable, optional
        ``call_function(layer, *args, **kwargs)`` calls each new layer of a functional model;
        default ``layer(*args, **kwargs)``.
    recursive : bool
        Whether nested models are cloned by `clone_model` too, with these functions. Default False:
        `clone_function` gets them.

    Raises
    ------
    ValueError
        No model; other inputs than the model has; a function that does not apply to its kind.

    Examples
    --------
    >>> import chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> clone_model(model).output_shape
    (None, 2)
    """
    if not isinstance(model, Model):
        raise ValueError(f"clone_model: expected a Model, got {type(model).__name__}")
    own = clone_function or _from_config
    copies: dict[int, Any] = {}

    def clone(layer: Any) -> Any:
        if id(layer) not in copies:
            if recursive and isinstance(layer, (Sequential, Functional)):
                call = None if isinstance(layer, Sequential) else call_function
                copies[id(layer)] = clone_model(
                    layer, clone_function=clone_function, call_function=call, recursive=True
                )
            elif isinstance(layer, InputLayer):
                copies[id(layer)] = _from_config(layer)
            else:
                copies[id(layer)] = own(layer)
        return copies[id(layer)]

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                f"clone_model: expected call_function=None for the Sequential model "
                f"'{model.name}', got {call_function!r}"
            )
        return _compiled_as(model, _clone_sequential(model, input_tensors, clone))
    if isinstance(model, Functional):
        return _compiled_as(model, _clone_functional(model, input_tensors, clone, call_function))
    if clone_function is not None or call_function is not None or input_tensors is not None:
        raise ValueError(
            "clone_model: expected a Sequential or Functional model with clone_function, "
            f"call_function or input_tensors, got the {type(model).__name__} '{model.name}'"
        )
    copied: Model = _from_config(model)
    if model.built and not copied.built:
        copied.build_from_config(model.get_build_config())
    return _compiled_as(model, copied)


def _compiled_as(model: Model, copied: Model) -> Model:
    if not model.compiled:
        return copied
    names = ("compile", "get_compile_config", "compile_from_config")
    if any(getattr(type(model), name) is not getattr(Model, name) for name in names):
        config = model.get_compile_config()
        if config:
            copied.compile_from_config(config)
        return copied
    # Losses and functions as they are, which a configuration may not have a name for.
    given: dict[str, Any] = dict(model._training.config or {})
    for name in ("metrics", "weighted_metrics"):
        given[name] = copy.deepcopy(given[name])
    if model.optimizer is not None:
        given["optimizer"] = type(model.optimizer).from_config(model.optimizer.get_config())
    copied.compile(**given)
    if copied.optimizer is not None and copied.built:
        copied.optimizer.build(copied.trainable_variables)
    return copied


def _from_config(layer: Any) -> Any:
    made = layer.__class__.from_config(layer.get_config())
    if getattr(layer, "runs_before_steps", False):
        # What it looks words up in is no weight that a copy draws anew.
        made.build_from_config(layer.get_build_config())
    return made


def _clone_sequential(model: Sequential, input_tensors: Any, clone: Clone) -> Model:
    first = [] if model._input_layer is None else [model._input_layer]
    start = [clone(layer) for layer in first]
    if input_tensors is not None:
        tensors = _tensors(input_tensors)
        if len(tensors) != 1:
            raise ValueError(
                f"clone_model: expected one tensor for the Sequential model '{model.name}', "
                f"got {len(tensors)}"
            )
        origin = tensors[0]._keras_history.operation
        like = {"batch_shape": tensors[0].shape, "dtype": tensors[0].dtype}
        start = [origin if isinstance(origin, InputLayer) else Input(**like)]
    copied = [*start, *(clone(layer) for layer in model.layers)]
    return type(model)(copied, name=model.name, trainable=model.trainable)


def _clone_functional(
    model: Functional, input_tensors: Any, clone: Clone, call_function: Any
) -> Model:
    old = model.inputs
    if input_tensors is None:
        new = [clone(t._keras_history.operation).output for t in old]
        inputs = tree.pack_sequence_as(model._inputs_struct, new)
    else:
        new, inputs = _tensors(input_tensors), input_tensors
        if len(new) != len(old):
            raise ValueError(
                f"clone_model: expected {len(old)} input tensors for the model '{model.name}', "
                f"got {len(new)}"
            )
        if isinstance(model._inputs_struct, dict) or isinstance(inputs, dict):
            _check_structure(model, inputs)
        inputs = tree.pack_sequence_as(
            inputs if tree.is_nested(inputs) else model._inputs_struct, new
        )

    def call(operation: Any, args: Any, kwargs: Any) -> Any:
        if getattr(operation, "records_function", False):
            outputs = operation.call(*args, **kwargs)
            tree.flatten(outputs)[0]._keras_history.operation.name = operation.name
            return outputs
        layer: Operation = clone(operation)
        if call_function is not None:
            return call_function(layer, *args, **kwargs)
        return layer(*args, **kwargs)

    values = replay(model._nodes, {id(t): n for t, n in zip(old, new)}, call)
    outputs = tree.map_structure(lambda t: values[id(t)], model._outputs_struct)
    kind = type(model) if is_functional_like(type(model), Functional) else Functional
    return kind(inputs, outputs, name=model.name, trainable=model.trainable)


def _check_structure(model: Functional, inputs: Any) -> None:
    try:
        tree.assert_same_structure(inputs, model._inputs_struct)
    except ValueError as error:
        raise ValueError(
            "clone_model: `input_tensors` must have the same structure as model.input. Expected that "
            f"of {model._inputs_struct}, got {inputs}"
        ) from error


def _tensors(given: Any) -> list[Any]:
    """The KerasTensors in a structure of them and of input layers."""
    found = [x.output if isinstance(x, InputLayer) else x for x in tree.flatten(given)]
    for x in found:
        if not (isinstance(x, KerasTensor) and hasattr(x, "_keras_history")):
            raise ValueError(f"clone_model: expected input_tensors made by Input, got {x!r}")
    return found
