"""RepeatVector."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer


class RepeatVector(Layer):
    """``y[n, t, :] = x[n, :]``: (N, C) to (N, n, C).

    Parameters
    ----------
    n : int
        How often.

    Raises
    ------
    TypeError, ValueError
        When `n` is no int, or not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RepeatVector(3)(np.ones((2, 32))).shape
    (2, 3, 32)
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int) or isinstance(n, bool):
            raise TypeError(f"Expected an integer value for `n`, got {type(n)}.")
        if n <= 0:
            raise ValueError(f"Argument `n` should be a positive integer. Received: n={n}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])

    def call(self, inputs: Any) -> Any:
        batch, width = inputs.shape
        return ops.broadcast_to(ops.expand_dims(inputs, axis=1), (batch, self.n, width))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
