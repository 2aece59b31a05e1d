"""Minimum: minimum of the inputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.merging.base_merge import Merge


class Minimum(Merge):
    """``y = min(x_1, x_2, ...)``: the elementwise minimum of a list of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Minimum()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[1.0, 2.0]]
    """

    def _merge_function(self, inputs: Any) -> Any:
        return self._merge_with_masks(ops.minimum, inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """``Minimum(**kwargs)(inputs)``."""
    return Minimum(**kwargs)(inputs)
