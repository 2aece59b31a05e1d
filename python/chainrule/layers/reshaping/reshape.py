"""Reshape."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import divides, may_be
from chainrule.layers.layer import Layer
from chainrule.tracing.tensor import KerasTensor


class Reshape(Layer):
    """(N, ...) to (N, *target_shape).

    Parameters
    ----------
    target_shape : tuple of int
        Without the batch; one entry may be -1.

    Raises
    ------
    ValueError
        For entries below -1 or two of them -1.
    ShapeError
        (at a call) when the numbers of elements differ.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Reshape((-1, 2))(np.ones((5, 12))).shape
    (5, 6, 2)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        sizes = [-1 if d is None else int(d) for d in self.target_shape]
        if any(d < -1 for d in sizes):
            raise ValueError(
                "Each dimension in `target_shape` must be a non-negative integer, or `-1` for a "
                f"single unknown dimension. Received: target_shape={self.target_shape}."
            )
        if sizes.count(-1) > 1:
            raise ValueError(
                "There must be at most one unknown dimension (-1) in `target_shape`. "
                f"Received: target_shape={self.target_shape}."
            )
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = tuple(input_shape[1:])
        target = tuple(-1 if d is None else int(d) for d in self.target_shape)
        if None in rest:
            return (input_shape[0], *(None if d == -1 else d for d in target))
        size = math.prod(rest)
        known = math.prod(d for d in target if d != -1)
        if -1 not in target and not may_be(known, size):
            raise ShapeError(
                f"Layer '{self.path or self.name}': The total size of the tensor must be "
                f"unchanged. Received: input_shape={rest}, target_shape={target}"
            )
        if -1 in target and not divides(known, size):
            raise ShapeError(
                f"Layer '{self.path or self.name}': The total size of the tensor must be "
                "unchanged, however, the input size cannot by divided by the specified "
                f"dimensions in target_shape. Received: input_shape={rest}, target_shape={target}"
            )
        return (input_shape[0], *(size // known if d == -1 else d for d in target))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
