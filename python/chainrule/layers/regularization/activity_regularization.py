"""ActivityRegularization: a penalty on what passes through."""

from __future__ import annotations

from typing import Any

from chainrule import regularizers
from chainrule.layers.layer import Layer


class ActivityRegularization(Layer):
    """``y = x``, and adds ``(l1 * sum|x| + l2 * sum x^2) / N`` to the losses.

    Parameters
    ----------
    l1, l2 : float
        Default 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.ActivityRegularization(l1=0.5)
    >>> _ = layer(np.ones((2, 4)))
    >>> float(layer.losses[0])
    2.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
