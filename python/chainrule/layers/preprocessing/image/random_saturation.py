"""RandomSaturation."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import config
from chainrule.layers.preprocessing.image import colors
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


class RandomSaturation(BaseImagePreprocessingLayer):
    """``s' = clip(s f / (1 - f))`` of the saturation in HSV, with f drawn for each image.

    Parameters
    ----------
    factor : float or pair of floats
        The interval of f, in [-1, 1]; a number f stands for (-f, f). 0 gives greys, 0.5 the image
        itself, 1 full colours.
    value_range : pair of floats
        Default (0, 255).
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [-1, 1], or a value range that is no pair.
    ShapeError
        For images without three channels.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RandomSaturation((0.0, 0.0))(np.array([[[[10.0, 20.0, 30.0]]]])).ravel().tolist()
    [30.0, 30.0, 30.0]
    """

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
        drawn = self._uniform((self._batch_size(data),), self.factor, self._seed(seed))
        return {"factor": drawn / (1.0 - drawn + config.epsilon())}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        factor = self._per_image(transformation["factor"])
        hue, saturation, value = colors.to_hsv(images, self._channel_axis)
        saturation = ops.clip(saturation * factor, *self.value_range)
        return colors.from_hsv((hue, saturation, value), self._channel_axis)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
