"""Activation: any activation function as a layer."""

from __future__ import annotations

from typing import Any

from chainrule import activations
from chainrule.layers.layer import Layer


class Activation(Layer):
    """``y = activation(x)``, elementwise or over the last axis.

    Parameters
    ----------
    activation : str or callable

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Activation("relu")(np.array([-3.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
