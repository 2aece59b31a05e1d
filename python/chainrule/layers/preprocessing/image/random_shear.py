"""RandomShear."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_warp import (
    BaseWarp,
    affine_rows,
    shift_interval,
)


class RandomShear(BaseWarp):
    """``y[h, w] = x[h + sy w, w + sx h]`` with (sx, sy) drawn for each image.

    Parameters
    ----------
    x_factor, y_factor : float or pair of floats
        The intervals of sx and sy, in [0, 1]; a number f stands for (-f, f). Both change sign
        together for half of the images. Default 0.0.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    fill_mode : str
        ``reflect`` (the default), ``wrap``, ``constant`` or ``nearest``.
    fill_value : float
        What stands outside the image with ``constant``. Default 0.0.
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], or an unknown fill mode or interpolation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.tile(np.arange(4.0), (2, 1)).reshape(1, 2, 4, 1)
    >>> layer = layers.RandomShear((1.0, 1.0), fill_mode="nearest", seed=1)
    >>> [layer(x)[0, 1, :, 0].tolist() for _ in range(2)]
    [[0.0, 0.0, 1.0, 2.0], [1.0, 2.0, 3.0, 3.0]]
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = _interval(x_factor, "x_factor")
        self.y_factor = _interval(y_factor, "y_factor")
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        shape = (self._batch_size(data), 1)
        sign = ops.where(self._uniform(shape, (0.0, 1.0), seed) > 0.5, -1.0, 1.0)
        y = self._uniform(shape, self.y_factor, seed)
        x = self._uniform(shape, self.x_factor, seed)
        return {
            "shear_factor": ops.concatenate([x, y], axis=1) * sign,
            "input_shape": self._shape(data),
        }

    def _transforms(self, transformation: Any, height: int, width: int) -> Any:
        shear = ops.convert_to_tensor(transformation["shear_factor"])
        return affine_rows(1.0, shear[:, 0], 0.0, shear[:, 1], 1.0, 0.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}


def _interval(factor: Any, name: str) -> tuple[float, float]:
    """As `shift_interval` in [0, 1]; a pair (-f, f), as the config of a number f has it, too."""
    if isinstance(factor, (tuple, list)) and len(factor) == 2 and factor[0] == -factor[1]:
        return shift_interval(factor[1], name, 0.0)
    return shift_interval(factor, name, 0.0)
