"""RandomZoom."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_warp import (
    BaseWarp,
    affine_rows,
    shift_interval,
)


class RandomZoom(BaseWarp):
    """Zooms each image about its middle: ``y[h, w] = x[ch + (h - ch) zh, cw + (w - cw) zw]``.

    Parameters
    ----------
    height_factor : float or pair of floats
        (a, b) in (-1, 1] draws zh from [1 + a, 1 + b); a number f stands for (-f, f). Above 1 the
        image gets smaller.
    width_factor : float or pair of floats, optional
        The same for zw. Default: zw is zh, and the image keeps its proportions.
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
        For a factor outside (-1, 1], or an unknown fill mode or interpolation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandomZoom((-0.5, -0.5))
    >>> layer(np.arange(5.0).reshape(1, 1, 5, 1)).ravel().tolist()
    [1.0, 1.5, 2.0, 2.5, 3.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
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
        self._height = shift_interval(height_factor, "height_factor", open_low=True)
        self._width = None
        if width_factor is not None:
            self._width = shift_interval(width_factor, "width_factor", open_low=True)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        shape = (self._batch_size(data), 1)
        height, width = self._height, self._width
        height_zoom = self._uniform(shape, (1.0 + height[0], 1.0 + height[1]), seed)
        width_zoom = height_zoom
        if width is not None:
            width_zoom = self._uniform(shape, (1.0 + width[0], 1.0 + width[1]), seed)
        return {
            "height_zoom": height_zoom,
            "width_zoom": width_zoom,
            "input_shape": self._shape(data),
        }

    def _transforms(self, transformation: Any, height: int, width: int) -> Any:
        keys = ("width_zoom", "height_zoom")
        zw, zh = (ops.reshape(ops.convert_to_tensor(transformation[key]), (-1,)) for key in keys)
        x, y = (width - 1) / 2.0 * (1.0 - zw), (height - 1) / 2.0 * (1.0 - zh)
        return affine_rows(zw, 0.0, x, 0.0, zh, y)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height_factor": self.height_factor,
            "width_factor": self.width_factor,
        }
