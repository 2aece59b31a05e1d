"""Subtract: difference of the inputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.merging.base_merge import Merge


class Subtract(Merge):
    """``y = x_1 - x_2``: the elementwise difference of a list of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[-2.0, -2.0]]
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received: input_shape={input_shape}"
            )

    def _merge_function(self, inputs: Any) -> Any:
        if len(inputs) != 2:
            raise ValueError(
                "A `Subtract` layer should be called on exactly 2 inputs. "
                f"Received: inputs={inputs}"
            )
        return ops.subtract(inputs[0], inputs[1])


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """``Subtract(**kwargs)(inputs)``."""
    return Subtract(**kwargs)(inputs)
