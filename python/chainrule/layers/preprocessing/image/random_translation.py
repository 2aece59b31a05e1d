"""RandomTranslation."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_warp import (
    BaseWarp,
    affine_rows,
    shift_interval,
)


class RandomTranslation(BaseWarp):
    """``y[h, w] = x[h - dy, w - dx]`` with a shift (dx, dy) drawn for each image.

    Parameters
    ----------
    height_factor, width_factor : float or pair of floats
        The intervals of dy and dx, as parts of the height and the width, in [-1, 1]; a number f
        stands for (-f, f). Positive shifts go down and to the right.
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
    >>> layer = layers.RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
    >>> layer(np.array([[[[1.0], [2.0], [3.0], [4.0]]]])).ravel().tolist()
    [0.0, 0.0, 1.0, 2.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._height = shift_interval(height_factor, "height_factor")
        self._width = shift_interval(width_factor, "width_factor")
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        shape = (self._batch_size(data), 1)
        height, width = self._size(data)
        dy = self._uniform(shape, self._height, seed) * float(height)
        dx = self._uniform(shape, self._width, seed) * float(width)
        return {
            "translations": ops.concatenate([dx, dy], axis=1),
            "input_shape": self._shape(data),
        }

    def _transforms(self, transformation: Any, height: int, width: int) -> Any:
        shift = ops.convert_to_tensor(transformation["translations"])
        return affine_rows(1.0, 0.0, -shift[:, 0], 0.0, 1.0, -shift[:, 1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }
