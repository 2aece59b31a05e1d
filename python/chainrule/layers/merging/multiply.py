"""Multiply: product of the inputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.merging.base_merge import Merge
from chainrule.tracing.masking import get_keras_mask, set_keras_mask


class Multiply(Merge):
    """``y = x_1 * x_2 * ...``: the elementwise product of a list of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[3.0, 8.0]]
    """

    def _merge_function(self, inputs: Any) -> Any:
        masks = [get_keras_mask(x) for x in inputs]
        output, output_mask = None, None
        for x, mask in zip(inputs, masks):
            if mask is not None:
                mask = ops.broadcast_to(ops.expand_dims(mask, -1), x.shape)
                x = ops.where(mask, x, ops.ones_like(x))
                output_mask = mask if output_mask is None else ops.logical_or(output_mask, mask)
            output = x if output is None else ops.multiply(output, x)
        if output_mask is not None and all(mask is not None for mask in masks):
            output = ops.where(output_mask, output, ops.zeros_like(output))
            set_keras_mask(output, ops.any(output_mask, axis=-1))
        return output


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """``Multiply(**kwargs)(inputs)``."""
    return Multiply(**kwargs)(inputs)
