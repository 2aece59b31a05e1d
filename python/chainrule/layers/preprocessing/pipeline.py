"""Pipeline: layers in a row, as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.base import serialization, tree
from chainrule.layers.layer import Layer
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from chainrule.layers.preprocessing.image.compiled_calls import CompiledCalls, can_compile
from chainrule.tracing.masking import get_keras_mask


class Pipeline(Layer):
    """``y = layers[n - 1](... layers[0](x))``, on tensors or on dicts of them.

    Augmentation layers in a row are compiled together when they are called on arrays.

    Parameters
    ----------
    layers : sequence of Layer
    name : str, optional

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> pipeline = layers.Pipeline([layers.RandomInvert((1, 1)), layers.RandomBrightness((0, 0))])
    >>> pipeline(np.array([[[[55.0]]]])).item(), pipeline(np.ones((1, 1, 1, 1)), False).item()
    (200.0, 1.0)
    """

    _compiled_calls: CompiledCalls

    def __init__(self, layers: Sequence[Any], name: str | None = None) -> None:
        super().__init__(name=name)
        self._pipeline_layers = list(layers)
        self._allow_non_tensor_positional_args = True
        self.__dict__["_compiled_calls"] = CompiledCalls()

    @property
    def layers(self) -> list[Any]:
        """The layers, in order."""
        return list(self._pipeline_layers)

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        training = bool(training)
        ours = (_is_ours(layer) for layer in self._pipeline_layers)
        if training and mask is None and all(ours) and can_compile(inputs):
            key = repr([layer.get_config() for layer in self._pipeline_layers])
            return self._compiled_calls.run(key, lambda x: self._run_all(x, True, None), inputs)
        return self._run_all(inputs, training, mask)

    def _run_all(self, inputs: Any, training: bool, mask: Any) -> Any:
        for layer in self._pipeline_layers:
            arguments: dict[str, Any] = {}
            if layer._call_has_mask_arg:
                arguments["mask"] = mask
            if layer._call_has_training_arg:
                arguments["training"] = training
            inputs = layer(inputs, **arguments)
            mask = tree.map_structure(get_keras_mask, inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {
            "layers": serialization.serialize_keras_object(self._pipeline_layers),
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise ValueError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized "
                f"layers. Received config with layers={layers}."
            )
        objects = [
            serialization.deserialize_keras_object(x, custom_objects=custom_objects) for x in layers
        ]
        return cls(**{**config, "layers": objects})


def _is_ours(layer: Any) -> bool:
    known = isinstance(layer, BaseImagePreprocessingLayer)
    return known and type(layer).__module__.startswith("chainrule.")
