"""clone_model: the same architecture with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.layers.core.input_layer import InputLayer
from chainrule.models.functional import Functional
from chainrule.models.graph_config import functional_from_config, functional_to_config
from chainrule.models.model import Model
from chainrule.models.sequential import Sequential
from chainrule.saving import serialize_keras_object

__all__ = ["clone_model"]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
) -> Model:
    """A model of the same layers, freshly initialized.

    Parameters
    ----------
    model : Sequential or Functional
        Another model is made again from its `get_config`.
    input_tensors : None
        In Keras's signature; other inputs are refused.
    clone_function : callable, optional
        Gives the new layer for each layer but the inputs; default
        ``layer.__class__.from_config(layer.get_config())``.

    Raises
    ------
    ValueError
        When `input_tensors` is given, or the model is none.

    Examples
    --------
    >>> import chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> clone_model(model).output_shape
    (None, 2)
    """
    if input_tensors is not None:
        raise ValueError("clone_model: expected input_tensors=None, got tensors")
    if not isinstance(model, Model):
        raise ValueError(f"clone_model: expected a Model, got {type(model).__name__}")

    def clone(layer: Any) -> Any:
        if clone_function is not None and not isinstance(layer, InputLayer):
            return clone_function(layer)
        return layer.__class__.from_config(layer.get_config())

    if isinstance(model, Sequential):
        first = [] if model._input_layer is None else [model._input_layer]
        copied = [clone(layer) for layer in [*first, *model.layers]]
        return type(model)(copied, name=model.name, trainable=model.trainable)
    if not isinstance(model, Functional):
        return type(model).from_config(model.get_config())  # type: ignore[no-any-return]
    config = functional_to_config(model)
    if clone_function is not None:
        by_name = {layer.name: layer for layer in model.layers}
        for entry in config["layers"]:
            layer = by_name.get(entry["name"])
            if layer is not None:
                entry.update(serialize_keras_object(clone(layer)))
    return functional_from_config(type(model), config)  # type: ignore[no-any-return]
