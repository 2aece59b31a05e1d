"""RandAugment."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.choices import ChoosingLayer
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    check_value_range,
    images_of,
)


_NAMES = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)


class RandAugment(ChoosingLayer):
    """Some of eleven augmentations in a row, chosen at random for each batch.

    Shear, translation, rotation, brightness, colour degeneration, contrast, sharpness,
    posterization, solarization, auto-contrast and equalization.

    Parameters
    ----------
    value_range : pair of floats
        Default (0, 255).
    num_ops : int
        How many follow each other; with 0 the images stay as they are. Default 2.
    factor : float or pair of floats
        The interval in [0, 1] of the strengths; a number f stands for (0, f). Default 0.5.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], a value range that is no pair, or fewer than 0 ops.

    Notes
    -----
    Cubuk et al. 2020, RandAugment: practical automated data augmentation, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandAugment(seed=1)
    >>> layer(np.full((2, 8, 8, 3), 100.0)).shape
    (2, 8, 8, 3)
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if num_ops < 0:
            raise ValueError(f"RandAugment: expected `num_ops` of at least 0, got {num_ops}")
        self.value_range = check_value_range(value_range)
        self.num_ops = num_ops
        self.factor = self._check_factor(factor)
        self.interpolation = interpolation
        self._seed_with(seed)
        self._make_layers(_NAMES)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        numbers = random.randint((self.num_ops,), 0, len(_NAMES), seed=seed)
        return {"transforms": self._draw_all(images_of(data), seed), "layer_idxes": numbers}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        return self._in_a_row(images, transformation, False) if training else images

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        masks = ops.cast(segmentation_masks, self.compute_dtype)
        return self._in_a_row(masks, transformation, True) if training else masks

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        if not training:
            return bounding_boxes
        numbers = ops.convert_to_tensor(transformation["layer_idxes"])
        for i in range(self.num_ops):
            drawn = transformation["transforms"]
            bounding_boxes = self._choose_boxes(bounding_boxes, drawn, numbers[i])
        return bounding_boxes

    def _in_a_row(self, x: Any, transformation: Any, masks: bool) -> Any:
        numbers = ops.convert_to_tensor(transformation["layer_idxes"])
        for i in range(self.num_ops):
            x = self._choose(x, transformation["transforms"], numbers[i], masks)
        return x

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "num_ops": self.num_ops,
            "factor": self.factor,
            "interpolation": self.interpolation,
            "seed": self.seed,
        }
