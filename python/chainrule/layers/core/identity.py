"""Identity: the inputs, unchanged."""

from __future__ import annotations

from typing import Any

from chainrule.base import tree
from chainrule.layers.layer import Layer
from chainrule.tracing.tensor import KerasTensor


class Identity(Layer):
    """``y = x``, for a tensor or a structure of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Identity()(np.array([1, 2])).tolist()
    [1, 2]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), inputs)
