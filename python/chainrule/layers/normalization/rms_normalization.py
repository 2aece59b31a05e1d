"""RMSNormalization."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.dtypes import result_type
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_axes, known_size


class RMSNormalization(Layer):
    """``y = scale * x / sqrt(mean(x^2) + epsilon)``, the mean over `axis`.

    Parameters
    ----------
    axis : int or list of int
        Default -1.
    epsilon : float
        Default 1e-6.

    Notes
    -----
    Zhang & Sennrich 2019 (arXiv:1910.07467).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RMSNormalization(epsilon=0.0)(np.array([[2.0, -2.0]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        axes = sorted(self.axis) if isinstance(self.axis, (list, tuple)) else [self.axis]
        check_axes(axes, input_shape)
        shape = tuple(known_size(self, input_shape, axis) for axis in axes)
        self.axis = axes
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        self.built = True

    def call(self, x: Any) -> Any:
        axes = [axis % len(x.shape) for axis in self.axis]
        shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
        x = ops.cast(x, result_type(x.dtype, "float32"))
        inverse = ops.rsqrt(ops.mean(ops.square(x), axis=axes, keepdims=True) + self.epsilon)
        scale = ops.reshape(ops.cast(self.scale, x.dtype), shape)
        return ops.cast(x * inverse * scale, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
