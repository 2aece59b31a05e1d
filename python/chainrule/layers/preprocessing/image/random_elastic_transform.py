"""RandomElasticTransform."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.base_warp import INTERPOLATIONS, check_choice
from chainrule.layers.preprocessing.image.displaced import displaced
from chainrule.layers.preprocessing.image.filters import (
    channels_back,
    channels_last,
    filter_images,
    gaussian_weights,
)
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
)


_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


class RandomElasticTransform(BaseImagePreprocessingLayer):
    """Moves each pixel by smoothed noise, with some probability for each image.

    With f drawn for the batch, ``s = 0.05 f min(H, W)`` and ``a = 0.1 f max(H, W)``: the shifts are
    a times normal noise of standard deviation s, blurred by a Gaussian filter of width s.

    Parameters
    ----------
    factor : float or pair of floats
        The interval in [0, 1] from which an image's probability is drawn; a number p stands for
        (0, p). Default 1.0.
    scale : float or pair of floats
        The interval of f, in [0, 1]; a number stands for (0, f). Default 1.0.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    fill_mode : str
        ``reflect`` (the default), ``mirror``, ``wrap``, ``constant`` or ``nearest``.
    fill_value : float
        What stands outside the image with ``constant``. Default 0.0.
    value_range : pair of floats
        What the result is clipped to. Default (0, 255).
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For factors outside [0, 1], a value range that is no pair, or an unknown interpolation or
        fill mode.

    Notes
    -----
    Simard, Steinkraus & Platt 2003, Best practices for convolutional neural networks, ICDAR.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> y = layers.RandomElasticTransform((1.0, 1.0), seed=1)(np.eye(32).reshape(1, 32, 32, 1))
    >>> y.shape, bool((y != np.eye(32).reshape(1, 32, 32, 1)).any())
    ((1, 32, 32, 1), True)
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._check_factor(factor)
        self.scale = self._check_factor(scale, "scale")
        check_choice(self, "interpolation", interpolation, INTERPOLATIONS)
        check_choice(self, "fill_mode", fill_mode, _FILL_MODES)
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        seed = self._seed(seed)
        return {
            "apply_transform": self._chance(data, self.factor, seed),
            "distortion_factor": self._uniform((), self.scale, seed),
            "seed": random.draw_seed(seed),
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        images = self._distort(images, transformation, self.interpolation)
        return ops.clip(images, *self.value_range)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Not to be had: a box has no straight sides afterwards.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no bounding boxes: a box has no straight sides afterwards"
        )

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        masks = ops.cast(segmentation_masks, self.compute_dtype)
        if not training or transformation is None:
            return masks
        return self._distort(masks, transformation, "nearest")

    def _distort(self, images: Any, transformation: Any, interpolation: str) -> Any:
        images = channels_last(images, self.data_format)
        batch, height, width, _ = images.shape
        factor = ops.convert_to_tensor(transformation["distortion_factor"])
        shift = self._shifts((batch, height, width, 2), factor, transformation["seed"])
        column = ops.arange(width, dtype="float32") + shift[..., 0]
        row = ops.expand_dims(ops.arange(height, dtype="float32"), 1) + shift[..., 1]
        moved = displaced(images, column, row, interpolation, self.fill_mode, self.fill_value)
        chosen = self._per_image(transformation["apply_transform"])
        return channels_back(ops.where(chosen, moved, images), self.data_format)

    def _shifts(self, shape: tuple[int, ...], factor: Any, seed: Any) -> Any:
        """(N, H, W, 2): to the right and down, in pixels."""
        _, height, width, _ = shape
        sigma = ops.maximum(0.05 * min(height, width) * factor, 1e-6)
        # The filter of 6 sigma pixels has a drawn length: a mask within the longest one.
        longest = int(0.3 * min(height, width) * self.scale[1]) | 1
        half = ops.floor(ops.floor(6.0 * sigma) / 2.0)
        place = ops.arange(longest, dtype="float32") - longest // 2
        weights = gaussian_weights(longest, sigma) * ops.cast(ops.abs(place) <= half, "float32")
        weights = weights / ops.sum(weights)
        noise = random.normal(shape, dtype="float32", seed=seed) * sigma
        noise = filter_images(noise, ops.expand_dims(weights, 1))
        noise = filter_images(noise, ops.expand_dims(weights, 0))
        return noise * (0.1 * max(height, width) * factor)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "scale": self.scale,
            "interpolation": self.interpolation,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "value_range": self.value_range,
            "seed": self.seed,
        }
