"""Softmax as a layer, with a mask."""

from __future__ import annotations

from typing import Any

from chainrule import activations, ops
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer

_FAR_BELOW = -1e9


class Softmax(Layer):
    """``y = exp(x) / sum(exp(x))`` along an axis; masked entries get probability 0.

    Parameters
    ----------
    axis : int or list of int
        Default -1.

    Raises
    ------
    ShapeError
        When a mask does not broadcast to the inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Softmax()(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            mask = _as_bool(mask, inputs)
            inputs = ops.where(mask, inputs, ops.full_like(inputs, _FAR_BELOW))
        if isinstance(self.axis, (list, tuple)) and len(self.axis) > 1:
            axes = tuple(self.axis)
            outputs = ops.exp(inputs - ops.logsumexp(inputs, axis=axes, keepdims=True))
        else:
            axis = self.axis[0] if isinstance(self.axis, (list, tuple)) else self.axis
            outputs = activations.softmax(inputs, axis=axis)
        if mask is not None:
            outputs = ops.where(mask, outputs, ops.zeros_like(outputs))
        return outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def _as_bool(mask: Any, inputs: Any) -> Any:
    sizes = zip(reversed(mask.shape), reversed(inputs.shape))
    if len(mask.shape) > len(inputs.shape) or any(m not in (1, n) for m, n in sizes):
        raise ShapeError(
            "The `mask` must be broadcastable to `inputs`: it must not have more dimensions, and "
            f"each is 1 or that of the input. Received: inputs.shape={tuple(inputs.shape)}, "
            f"mask.shape={tuple(mask.shape)}"
        )
    return mask if mask.dtype == "bool" else ops.greater(mask, 0.5)
