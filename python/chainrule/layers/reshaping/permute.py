"""Permute."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.tracing.tensor import KerasTensor


class Permute(Layer):
    """Reorders the axes after the batch.

    Parameters
    ----------
    dims : tuple of int
        A permutation of 1, 2, ...; ``(2, 1)`` swaps the first two axes after the batch.

    Raises
    ------
    ValueError
        When `dims` is no such permutation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Permute((2, 1))(np.ones((5, 10, 64))).shape
    (5, 64, 10)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in "
                f"`dims` must be consecutive and start from 1. Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[dim] for dim in self.dims))

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, axes=(0, *self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}
