"""ReLU as a layer, with its variants."""

from __future__ import annotations

from typing import Any

from chainrule import activations
from chainrule.layers.layer import Layer


class ReLU(Layer):
    """``y = min(x, max_value) if x >= threshold else negative_slope * (x - threshold)``.

    Parameters
    ----------
    max_value : float, optional
        Default: no limit.
    negative_slope, threshold : float
        Default 0.

    Raises
    ------
    ValueError
        When one of them is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ReLU(max_value=10, negative_slope=0.5)(np.array([-10.0, 5.0, 12.0])).tolist()
    [-5.0, 5.0, 10.0]
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0:
            raise ValueError(
                "max_value of a ReLU layer cannot be a negative value. "
                f"Received: max_value={max_value}"
            )
        for label, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0:
                raise ValueError(
                    f"{label} of a ReLU layer cannot be None or a negative value. "
                    f"Received: {label}={value}"
                )
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
