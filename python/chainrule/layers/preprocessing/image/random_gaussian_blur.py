"""RandomGaussianBlur."""

from __future__ import annotations

from typing import Any

from chainrule import ops
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


class RandomGaussianBlur(BaseImagePreprocessingLayer):
    """Blurs an image by a Gaussian filter, with some probability; zeros stand outside.

    The widths of the filter, one a direction, are drawn for the whole batch.

    Parameters
    ----------
    factor : float or pair of floats
        The interval in [0, 1] from which an image's probability is drawn; a number f stands for
        (0, f). Default 1.0.
    kernel_size : int or pair of ints
        Odd; of a pair the first is the filter's width. Default 3.
    sigma : float or pair of floats
        The interval of the filter's standard deviation in pixels, in [0, 1]; a number s stands
        for (0, s). Default 1.0.
    value_range : pair of floats
        What the result is clipped to. Default (0, 255).
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For an even kernel size, factors outside [0, 1], or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandomGaussianBlur((1.0, 1.0), kernel_size=(3, 1), sigma=(1.0, 1.0))
    >>> layer(np.array([[[[0.0], [100.0], [0.0]]]])).astype("int32").ravel().tolist()
    [27, 45, 27]
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor = self._check_factor(factor)
        self.kernel_size = _odd_pair(kernel_size)
        self.sigma = self._check_factor(sigma, "sigma")
        self.value_range = check_value_range(value_range)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        return {
            "should_apply_blur": self._chance(data, self.factor, seed),
            "blur_factor": self._uniform((2,), self.sigma, seed) + 1e-6,
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        sigma = ops.convert_to_tensor(transformation["blur_factor"])
        first, second = (gaussian_weights(n, sigma[i]) for i, n in enumerate(self.kernel_size))
        images = channels_last(images, self.data_format)
        blurred = filter_images(images, ops.outer(second, first))
        chosen = self._per_image(transformation["should_apply_blur"])
        images = ops.clip(ops.where(chosen, blurred, images), *self.value_range)
        return channels_back(images, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "kernel_size": self.kernel_size,
            "sigma": self.sigma,
            "value_range": self.value_range,
            "seed": self.seed,
        }


def _odd_pair(size: Any) -> tuple[int, int]:
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2 or not all(isinstance(n, int) and n > 0 and n % 2 for n in pair):
        raise ValueError(
            "The `kernel_size` argument should be an odd number (or a list of two). "
            f"Received: kernel_size={size}"
        )
    return pair[0], pair[1]
