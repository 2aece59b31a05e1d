"""RandomInvert."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


class RandomInvert(BaseImagePreprocessingLayer):
    """``y = high - x`` for an image with some probability; high is the value range's end.

    Parameters
    ----------
    factor : float or pair of floats
        The interval in [0, 1] from which an image's probability is drawn; a number f stands for
        (0, f). Default 1.0.
    value_range : pair of floats
        Default (0, 255).
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RandomInvert((1.0, 1.0))(np.array([[[[0.0], [55.0]]]])).ravel().tolist()
    [255.0, 200.0]
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._check_factor(factor)
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {"apply_inversion": self._chance(data, self.factor, self._seed(seed))}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        chosen = self._per_image(transformation["apply_inversion"])
        return ops.where(chosen, self.value_range[1] - images, images)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
