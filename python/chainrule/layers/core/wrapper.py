"""Wrapper: the base of layers that hold another layer."""

from __future__ import annotations

from typing import Any

from chainrule.base import serialization
from chainrule.layers.layer import Layer


class Wrapper(Layer):
    """A layer around `layer`; subclasses say in `call` what they add to it.

    Parameters
    ----------
    layer : Layer

    Raises
    ------
    ValueError
        When `layer` is no layer.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> class Twice(layers.Wrapper):
    ...     def call(self, x):
    ...         return self.layer(self.layer(x))
    >>> Twice(layers.Rescaling(3.0))(np.array([1.0, 2.0])).tolist()
    [9.0, 18.0]
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer} supplied to Wrapper isn't a supported layer type. "
                "Please ensure wrapped layer is a valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "layer": serialization.serialize_keras_object(self.layer),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        config = dict(config)
        layer = serialization.deserialize_keras_object(
            config.pop("layer"), custom_objects=custom_objects
        )
        return cls(layer, **config)
