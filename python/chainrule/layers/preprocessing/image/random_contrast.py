"""RandomContrast."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


class RandomContrast(BaseImagePreprocessingLayer):
    """``y = clip((x - m) f + m)``, m the mean of each channel of an image, f drawn for each image.

    Parameters
    ----------
    factor : float or pair of floats
        (a, b) in [0, 1] draws f from [1 - a, 1 + b); a number b stands for (0, b).
    value_range : pair of floats
        What the result is clipped to. Default (0, 255).
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> y = layers.RandomContrast(0.5, seed=1)(np.array([[[[90.0], [110.0]]]]))
    >>> bool(y.max() - y.min() > 20.0), round(y.mean().item(), 3)
    (True, 100.0)
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.factor = self._check_factor(factor)
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        shape = (self._batch_size(data), 1, 1, 1)
        if not training:
            return {"contrast_factor": ops.zeros(shape)}
        bounds = (1.0 - self.factor[0], 1.0 + self.factor[1])
        return {"contrast_factor": self._uniform(shape, bounds, self._seed(seed))}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        factor = self._per_image(transformation["contrast_factor"])
        mean = ops.mean(images, axis=self._spatial_axes, keepdims=True)
        shape = images.shape
        if self.data_format == "channels_last":
            # A row of pixels is one axis, on which the mean lies ready: it is not put together
            # from three channels for each pixel.
            rows = (*shape[:2], shape[2] * shape[3])
            images, factor = ops.reshape(images, rows), ops.reshape(factor, factor.shape[:3])
            mean = ops.reshape(ops.tile(mean, (1, 1, shape[2], 1)), (shape[0], 1, rows[2]))
        return ops.reshape(ops.clip((images - mean) * factor + mean, *self.value_range), shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
