"""RandomColorDegeneration."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image import colors
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


class RandomColorDegeneration(BaseImagePreprocessingLayer):
    """``y = clip(x + f (grey(x) - x))`` with f drawn for each image.

    Parameters
    ----------
    factor : float or pair of floats
        The interval of f, in [-1, 1]; a number f stands for (-f, f). 1 gives greys.
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
    >>> y = layers.RandomColorDegeneration((1.0, 1.0))(np.array([[[[100.0, 50.0, 10.0]]]]))
    >>> y.astype("int32").ravel().tolist()
    [60, 60, 60]
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
        shape = (self._batch_size(data), 1, 1, 1)
        return {"factor": self._uniform(shape, self.factor, self._seed(seed))}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        factor = self._per_image(transformation["factor"])
        grey = colors.to_grayscale(images, self._channel_axis)
        return ops.clip(images + factor * (grey - images), *self.value_range)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = input_shape["images"] if isinstance(input_shape, dict) else input_shape
        colors.check_channels(shape, self._channel_axis, (3,))
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
