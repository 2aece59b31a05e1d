"""RandomSharpness."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.layers.preprocessing.image.filters import (
    channels_back,
    channels_last,
    filter_images,
)
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


_SMOOTHER = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13.0


class RandomSharpness(BaseImagePreprocessingLayer):
    """``y = clip(x + (1 - 2 f) (s(x) - x))``, s a smoothed copy, f drawn for each image.

    s is the 3x3 filter [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13 with zeros outside the image.

    Parameters
    ----------
    factor : float or pair of floats
        The interval of f, in [0, 1]; a number f stands for (0, f). 0 smooths, 0.5 changes
        nothing, 1 sharpens.
    value_range : pair of floats
        Default (0, 255).
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.zeros((1, 3, 3, 1))
    >>> x[0, 1, 1] = 130.0
    >>> layers.RandomSharpness((0.0, 0.0))(x)[0, ..., 0].round(3).tolist()
    [[10.0, 10.0, 10.0], [10.0, 50.0, 10.0], [10.0, 10.0, 10.0]]
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
        return {"factor": self._uniform((self._batch_size(data),), self.factor, self._seed(seed))}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        blend = 1.0 - 2.0 * self._per_image(transformation["factor"])
        images = channels_last(images, self.data_format)
        kernel = ops.convert_to_tensor(_SMOOTHER, dtype=self.compute_dtype)
        images = images + blend * (filter_images(images, kernel) - images)
        return channels_back(ops.clip(images, *self.value_range), self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
