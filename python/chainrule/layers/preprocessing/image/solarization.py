"""Solarization."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
    rescale,
)


class Solarization(BaseImagePreprocessingLayer):
    """``z = clip(x + a); y = z if z < t else 255 - z`` on values in [0, 255].

    Parameters
    ----------
    addition_factor : float or pair of floats
        (p, q) in [0, 1] draws a from [p, 255 q) for each image; a number q stands for (0, q).
        Default 0.0.
    threshold_factor : float or pair of floats
        The same for t. Default 0.0: all values are inverted.
    value_range : pair of floats
        The range of the images, which is moved to [0, 255] and back. Default (0, 255).
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Solarization()(np.array([[[[0.0], [55.0]]]])).ravel().tolist()
    [255.0, 200.0]
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.addition_factor = _interval(addition_factor, "addition_factor")
        self.threshold_factor = _interval(threshold_factor, "threshold_factor")
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        shape = (self._batch_size(data), 1, 1, 1)
        return {
            name: self._uniform(shape, (low, 255 * high), seed)
            for name, (low, high) in (
                ("additions", self.addition_factor),
                ("thresholds", self.threshold_factor),
            )
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        threshold = self._per_image(transformation["thresholds"])
        images = rescale(images, self.value_range, (0, 255))
        images = ops.clip(images + self._per_image(transformation["additions"]), 0, 255)
        images = ops.where(images < threshold, images, 255 - images)
        return rescale(images, (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "addition_factor": self.addition_factor,
            "threshold_factor": self.threshold_factor,
            "seed": self.seed,
        }


def _interval(factor: Any, name: str) -> tuple[float, float]:
    pair = (0, factor) if isinstance(factor, (int, float)) else factor
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(0 <= x <= 1 for x in pair)
    ):
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"[0, 1]. Received: {name}={factor}"
        )
    low, high = sorted(pair)
    return low, high
