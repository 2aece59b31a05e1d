"""RandomPosterization."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
    rescale,
)


class RandomPosterization(BaseImagePreprocessingLayer):
    """Keeps the highest k of a colour's 8 bits: ``y = floor(x 2^(k-8)) 2^(8-k)``.

    Parameters
    ----------
    factor : int or pair of ints
        (a, b) in [1, 8] draws k from a, ..., b - 1 for each image, and takes a where a = b; a
        number b stands for (1, b).
    value_range : pair of floats
        Default (0, 255). Values outside are cut.
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [1, 8], or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RandomPosterization((1, 1))(np.array([[[[127.0], [200.0]]]])).ravel().tolist()
    [0.0, 128.0]
    """

    _FACTOR_BOUNDS = (1, 8)

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
        shape = (self._batch_size(data),)
        low, high = self.factor
        if low == high:
            bits = ops.full(shape, low, dtype="int32")
        else:
            bits = random.randint(shape, low, high, seed=self._seed(seed))
        return {"shift_factor": 8 - bits}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        powers = ops.convert_to_tensor([2.0**k for k in range(8)], dtype="float32")
        step = self._per_image(ops.take(powers, transformation["shift_factor"]))
        images = ops.clip(rescale(images, self.value_range, (0, 255)), 0, 255)
        return rescale(ops.floor(images / step) * step, (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "factor": self.factor,
            "value_range": self.value_range,
            "seed": self.seed,
        }
