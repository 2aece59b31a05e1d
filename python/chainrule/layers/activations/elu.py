"""ELU as a layer."""

from __future__ import annotations

from typing import Any

from chainrule import activations
from chainrule.layers.layer import Layer


class ELU(Layer):
    """``y = x if x > 0 else alpha * (exp(x) - 1)``.

    Parameters
    ----------
    alpha : float
        Default 1. (Clevert et al. 2016, arXiv:1511.07289.)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ELU()(np.array([2.0, 0.0])).tolist()
    [2.0, 0.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return activations.elu(inputs, alpha=self.alpha)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}
