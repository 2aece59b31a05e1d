"""RandomGrayscale."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image import colors
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)


class RandomGrayscale(BaseImagePreprocessingLayer):
    """``y = 0.2989 r + 0.587 g + 0.114 b`` in all channels of an image, with some probability.

    Parameters
    ----------
    factor : float
        The probability, in [0, 1]. Default 0.5.
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1].
    ShapeError
        For images without one or three channels.

    Notes
    -----
    ITU-R BT.601-7 (2011), 2.5.1: the weights of luma.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> y = layers.RandomGrayscale(1.0)(np.array([[[[100.0, 50.0, 10.0]]]]))
    >>> y.astype("int32").ravel().tolist()
    [60, 60, 60]
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"`factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        drawn = self._uniform((self._batch_size(data), 1, 1, 1), (0.0, 1.0), self._seed(seed))
        return drawn < self.factor

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        if transformation is None:
            transformation = self.get_random_transformation(images)
        grey = colors.to_grayscale(images, self._channel_axis)
        return ops.where(self._per_image(transformation), grey, images)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}
