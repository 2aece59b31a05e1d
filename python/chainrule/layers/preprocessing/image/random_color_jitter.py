"""RandomColorJitter."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)
from chainrule.layers.preprocessing.image.random_brightness import RandomBrightness
from chainrule.layers.preprocessing.image.random_contrast import RandomContrast
from chainrule.layers.preprocessing.image.random_hue import RandomHue
from chainrule.layers.preprocessing.image.random_saturation import RandomSaturation


class RandomColorJitter(BaseImagePreprocessingLayer):
    """Brightness, contrast, saturation and hue, changed at random in this order.

    Parameters
    ----------
    value_range : pair of floats
        Default (0, 255).
    brightness_factor, contrast_factor, saturation_factor, hue_factor : optional
        The `factor` of `RandomBrightness`, `RandomContrast`, `RandomSaturation` and `RandomHue`;
        a step without one is left out.
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor that its layer refuses, or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandomColorJitter(brightness_factor=(0.2, 0.2), contrast_factor=(0, 0))
    >>> layer(np.full((1, 2, 2, 3), 100.0)).max().item()
    151.0
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = check_value_range(value_range)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        self._seed_with(seed)
        self.random_brightness = self._step(RandomBrightness, brightness_factor)
        self.random_contrast = self._step(RandomContrast, contrast_factor)
        self.random_saturation = self._step(RandomSaturation, saturation_factor)
        self.random_hue = self._step(RandomHue, hue_factor)
        self._build_at_init()

    def _step(self, layer: Any, factor: Any) -> Any:
        if factor is None:
            return None
        return layer(
            factor,
            value_range=self.value_range,
            seed=self.seed,
            data_format=self.data_format,
            dtype=self.dtype_policy,
        )

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        steps = (
            self.random_brightness,
            self.random_contrast,
            self.random_saturation,
            self.random_hue,
        )
        for step in steps:
            if step is not None:
                drawn = step.get_random_transformation(images, seed=self.generator)
                images = step.transform_images(images, drawn)
        return images

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "brightness_factor": self.brightness_factor,
            "contrast_factor": self.contrast_factor,
            "saturation_factor": self.saturation_factor,
            "hue_factor": self.hue_factor,
            "seed": self.seed,
        }
