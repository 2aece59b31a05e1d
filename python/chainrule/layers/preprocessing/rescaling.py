"""Rescaling."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import config, serialization
from chainrule.layers.layer import Layer


class Rescaling(Layer):
    """``y = x * scale + offset``; integers become floats.

    Parameters
    ----------
    scale, offset : float or array
        Broadcast to the input. ``Rescaling(1 / 127.5, offset=-1)`` maps [0, 255] to [-1, 1].
        `offset` defaults to 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Rescaling(0.5, offset=1.0)(np.array([2, 4])).tolist()
    [2.0, 3.0]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._allow_non_tensor_positional_args = True
        self.scale = scale
        self.offset = offset
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        dtype = self.compute_dtype
        scale = ops.convert_to_tensor(self.scale, dtype=dtype)
        offset = ops.convert_to_tensor(self.offset, dtype=dtype)
        rank = len(scale.shape)
        if rank > 0 and config.image_data_format() == "channels_first":
            scale = ops.reshape(scale, (*scale.shape, *(1,) * (3 - rank)))
        return ops.convert_to_tensor(inputs, dtype=dtype) * scale + offset

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": serialization.serialize_keras_object(self.scale),
            "offset": serialization.serialize_keras_object(self.offset),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        config = dict(config)
        for name in ("scale", "offset"):
            if name in config:
                config[name] = serialization.deserialize_keras_object(
                    config[name], custom_objects=custom_objects
                )
        return cls(**config)
