"""RandomHue."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image import colors
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
    rescale,
)


class RandomHue(BaseImagePreprocessingLayer):
    """``h' = (h + d) mod 1`` of the hue in HSV, with d drawn for each image.

    Parameters
    ----------
    factor : float or pair of floats
        |d| is half a draw from this interval in [0, 1], its sign random; a number f stands for
        (0, f).
    value_range : pair of floats
        Default (0, 255).
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], or a value range that is no pair.
    ShapeError
        For images without three channels.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> y = layers.RandomHue((1.0, 1.0))(np.array([[[[255.0, 0.0, 0.0]]]]))
    >>> y.round().ravel().tolist()
    [0.0, 255.0, 255.0]
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._check_factor(factor)
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        seed = self._seed(seed)
        batch = self._batch_size(data)
        sign = ops.where(self._uniform((batch,), (0.0, 1.0), seed) > 0.5, -1.0, 1.0)
        return {"factor": sign * self._uniform((batch,), self.factor, seed) * 0.5}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        shift = self._per_image(transformation["factor"])
        images = rescale(images, self.value_range, (0, 1))
        hue, saturation, value = colors.to_hsv(images, self._channel_axis)
        hue = hue + shift
        hue = ops.where(hue > 1.0, hue - 1.0, hue)
        hue = ops.where(hue < 0.0, hue + 1.0, hue)
        images = colors.from_hsv((hue, saturation, value), self._channel_axis, bounds=(0, 1))
        return rescale(images, (0, 1), self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
