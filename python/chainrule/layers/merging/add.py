"""Add: sum of the inputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.merging.base_merge import Merge


class Add(Merge):
    """``y = x_1 + x_2 + ...``: the elementwise sum of a list of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Add()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[4.0, 6.0]]
    """

    def _merge_function(self, inputs: Any) -> Any:
        output = inputs[0]
        for x in inputs[1:]:
            output = ops.add(output, x)
        return output


def add(inputs: Any, **kwargs: Any) -> Any:
    """``Add(**kwargs)(inputs)``."""
    return Add(**kwargs)(inputs)
