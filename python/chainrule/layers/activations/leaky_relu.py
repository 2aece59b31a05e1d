"""Leaky ReLU as a layer."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule import activations
from chainrule.layers.layer import Layer


class LeakyReLU(Layer):
    """``y = x if x >= 0 else negative_slope * x``.

    Parameters
    ----------
    negative_slope : float
        At least 0. Default 0.3. (Maas et al. 2013.)

    Raises
    ------
    ValueError
        For a negative slope below 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.LeakyReLU(negative_slope=0.5)(np.array([-10.0, 5.0])).tolist()
    [-5.0, 5.0]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn(
                "Argument `alpha` is deprecated. Use `negative_slope` instead.", stacklevel=2
            )
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                "The negative_slope value of a Leaky ReLU layer cannot be None or negative value. "
                f"Expected a float. Received: negative_slope={negative_slope}"
            )
        self.negative_slope = negative_slope
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}
