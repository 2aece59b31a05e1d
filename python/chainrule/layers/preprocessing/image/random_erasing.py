"""RandomErasing."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.boxes import box_mask, random_span
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
    images_of,
)


class RandomErasing(BaseImagePreprocessingLayer):
    """Fills a random rectangle of an image, with some probability.

    Each side of the rectangle is the root of a draw from `scale`, as a part of the image's side.

    Parameters
    ----------
    factor : float or pair of floats
        The interval in [0, 1] from which an image's probability is drawn; a number f stands for
        (0, f). Default 1.0.
    scale : float or pair of floats
        The interval in [0, 1] of the squared sides. Default (0.02, 0.33).
    fill_value : float or three floats, optional
        The colour. Default: normal noise times the value range's end. Cut at the value range.
    value_range : pair of floats
        Default (0, 255).
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For factors outside [0, 1], a value range that is no pair, or another fill value.

    Notes
    -----
    Zhong et al. 2020, Random erasing data augmentation, AAAI 34.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandomErasing((1.0, 1.0), scale=(0.25, 0.25), fill_value=7.0, seed=1)
    >>> y = layer(np.zeros((1, 8, 8, 1)))
    >>> sorted(set(y.ravel().tolist())), int((y == 7.0).sum())
    ([0.0, 7.0], 16)
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._check_factor(factor)
        self.scale = self._check_factor(scale, "scale")
        self.fill_value = _check_fill(fill_value)
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        shape = self._shape(data)
        batch = self._batch_size(data)
        height, width = (shape[axis] for axis in self._spatial_axes)
        ratio = ops.sqrt(self._uniform((batch, 2), self.scale, seed))

        def uniform(sizes: tuple[int, ...]) -> Any:
            return self._uniform(sizes, (0.0, 1.0), seed)

        x = random_span(uniform, batch, width, ratio[:, 0])
        y = random_span(uniform, batch, height, ratio[:, 1])
        return {
            "apply_erasing": self._chance(data, self.factor, seed),
            "batch_masks": box_mask(x, y, height, width, self._channel_axis),
            "fill_value": self._fill(images_of(data), seed),
        }

    def _fill(self, images: Any, seed: Any) -> Any:
        if self.fill_value is None:
            shape = tuple(images.shape)
            noise = random.normal(shape, dtype=self.compute_dtype, seed=seed)
            fill = noise * self.value_range[1]
        elif isinstance(self.fill_value, list):
            sizes = [3 if axis == self._channel_axis else 1 for axis in (-3, -2, -1)]
            colour = ops.convert_to_tensor(self.fill_value, dtype=self.compute_dtype)
            fill = ops.reshape(colour, sizes)
        else:
            fill = ops.convert_to_tensor(float(self.fill_value), dtype=self.compute_dtype)
        return ops.clip(fill, *self.value_range)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        chosen = self._per_image(transformation["apply_erasing"])
        mask = ops.logical_and(transformation["batch_masks"], chosen)
        return ops.where(mask, transformation["fill_value"], images)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
            "seed": self.seed,
        }


def _check_fill(fill_value: Any) -> float | list[float] | None:
    if fill_value is None or isinstance(fill_value, (int, float)):
        return fill_value
    if isinstance(fill_value, (tuple, list)) and len(fill_value) == 3:
        return list(fill_value)
    raise ValueError(
        "The `fill_value` argument should be a number (or a list of three numbers). "
        f"Received: fill_value={fill_value}"
    )
