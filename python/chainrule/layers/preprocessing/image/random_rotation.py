"""RandomRotation."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_warp import BaseWarp, affine_rows


class RandomRotation(BaseWarp):
    """Turns each image about its middle by a random angle, counter-clockwise where positive.

    Parameters
    ----------
    factor : float or pair of floats
        The interval of the angle in full turns, in [-1, 1]; a number f stands for (-f, f).
    fill_mode : str
        ``reflect`` (the default), ``wrap``, ``constant`` or ``nearest``.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    seed : int, optional
    fill_value : float
        What stands outside the image with ``constant``. Default 0.0.
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor outside [-1, 1], or an unknown fill mode or interpolation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.array([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    >>> layers.RandomRotation((0.25, 0.25))(x).round(3)[0, ..., 0].tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = self._check_factor(factor)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        batch = self._batch_size(data)
        height, width = self._size(data)
        degrees = (self.factor[0] * 360.0, self.factor[1] * 360.0)
        angle = self._uniform((batch,), degrees, self._seed(seed))
        return {
            "angle": angle,
            "rotation_matrix": _rotations(angle, height, width),
            "image_height": height,
            "image_width": width,
            "batch_size": batch,
        }

    def _transforms(self, transformation: Any, height: int, width: int) -> Any:
        return transformation["rotation_matrix"]

    def _drawn_size(self, transformation: Any) -> tuple[int, int]:
        return transformation["image_height"], transformation["image_width"]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


def _rotations(degrees: Any, height: int, width: int) -> Any:
    angle = degrees * (math.pi / 180.0)
    cosine, sine = ops.cos(angle), ops.sin(angle)
    x, y = 0.5 * (width - 1), 0.5 * (height - 1)
    return affine_rows(
        cosine, -sine, x - x * cosine + y * sine, sine, cosine, y - x * sine - y * cosine
    )
