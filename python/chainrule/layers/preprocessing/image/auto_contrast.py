"""AutoContrast."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


class AutoContrast(BaseImagePreprocessingLayer):
    """``y = low + (x - min) (high - low) / (max - min)`` of each channel of an image.

    [low, high] is the value range; a channel of one value stays as it is. Acts outside training
    too.

    Parameters
    ----------
    value_range : pair of floats
        Default (0, 255).

    Raises
    ------
    ValueError
        For a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AutoContrast()(np.array([[[[10.0], [30.0], [60.0]]]])).ravel().tolist()
    [0.0, 102.0, 255.0]
    """

    _acts_at_inference = True

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = check_value_range(value_range)
        self._build_at_init()

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        images = ops.cast(images, self.compute_dtype)
        low = ops.min(images, axis=self._spatial_axes, keepdims=True)
        high = ops.max(images, axis=self._spatial_axes, keepdims=True)
        first, last = self.value_range
        flat = ops.equal(low, high)
        scale = (last - first) / ops.where(flat, 1.0, high - low)
        stretched = ops.clip((images - low) * scale + first, first, last)
        return ops.where(flat, images, stretched)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "value_range": self.value_range}
