"""Average: mean of the inputs."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.merging.base_merge import Merge


class Average(Merge):
    """``y = (x_1 + x_2 + ...) / n``: the elementwise mean of a list of tensors.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[2.0, 3.0]]
    """

    def _merge_function(self, inputs: Any) -> Any:
        output = inputs[0]
        for x in inputs[1:]:
            output = ops.add(output, x)
        return output / len(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """``Average(**kwargs)(inputs)``."""
    return Average(**kwargs)(inputs)
