"""Masking: skips the time steps that hold a value."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.serialization import deserialize_keras_object
from chainrule.layers.layer import Layer
from chainrule.tracing.masking import set_keras_mask


class Masking(Layer):
    """``mask[n, t] = any(x[n, t, :] != mask_value)``; masked time steps become 0.

    Shapes: x (N, T, C), y (N, T, C) with a mask (N, T).

    Parameters
    ----------
    mask_value : float
        Default 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.array([[[1.0, 2.0], [7.0, 7.0]]])
    >>> layers.Masking(mask_value=7.0)(x).tolist()
    [[[1.0, 2.0], [0.0, 0.0]]]
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and mask_value.get("config", None):
            mask_value = deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_init()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        mask = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(mask, inputs, ops.zeros_like(inputs))
        set_keras_mask(outputs, ops.squeeze(mask, axis=-1))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
