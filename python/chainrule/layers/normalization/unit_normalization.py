"""UnitNormalization."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_axes, int_or_list


class UnitNormalization(Layer):
    """``y = x / max(|x|_2, 1e-12)``: each vector along `axis` gets length 1.

    Parameters
    ----------
    axis : int or list of int
        Default -1.

    Raises
    ------
    TypeError
        When `axis` is neither an int nor a list of them.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.UnitNormalization()(np.array([[0.0, 2.0]])).tolist()
    [[0.0, 1.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = int_or_list(axis)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return ops.normalize(inputs, axis=axis, order=2, epsilon=1e-12)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
