"""RandomBrightness."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


class RandomBrightness(BaseImagePreprocessingLayer):
    """``y = clip(x + d (high - low))`` with [low, high] the value range, d drawn for each image.

    Parameters
    ----------
    factor : float or pair of floats
        The interval of d, in [-1, 1]; a number f stands for (-f, f).
    value_range : pair of floats
        Default (0, 255).
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [-1, 1], or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RandomBrightness((0.2, 0.2))(np.full((1, 1, 2, 1), 100.0)).ravel().tolist()
    [151.0, 151.0]
    """

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
            return {"rgb_delta": ops.zeros(shape)}
        drawn = self._uniform(shape, self.factor, self._seed(seed))
        return {"rgb_delta": drawn * (self.value_range[1] - self.value_range[0])}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        return ops.clip(images + self._per_image(transformation["rgb_delta"]), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
