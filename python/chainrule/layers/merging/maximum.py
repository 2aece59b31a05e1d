"""Maximum: maximum of the inputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.merging.base_merge import Merge


class Maximum(Merge):
    """``y = max(x_1, x_2, ...)``: the elementwise maximum of a list of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Maximum()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[3.0, 4.0]]
    """

    def _merge_function(self, inputs: Any) -> Any:
        return self._merge_with_masks(ops.maximum, inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """``Maximum(**kwargs)(inputs)``."""
    return Maximum(**kwargs)(inputs)
