"""RandomPerspective."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.layers.preprocessing.image.base_warp import BaseWarp
from chainrule.ops._homography import homography


class RandomPerspective(BaseWarp):
    """Moves the corners of an image at random, with some probability, and the image with them.

    A corner (x, y) goes to ``(x (1 + p), y (1 + q))``, p and q uniform in ``[-s/2, s/2)``.

    Parameters
    ----------
    factor : float or pair of floats
        The interval in [0, 1] from which an image's probability is drawn; a number f stands for
        (0, f). Default 1.0.
    scale : float
        s, in [0, 1]. Default 1.0.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    fill_value : float
        What stands outside the image. Default 0.0.
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor or a scale outside [0, 1], or an unknown interpolation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.ones((2, 8, 8, 1))
    >>> layers.RandomPerspective((1.0, 1.0), scale=0.5, seed=1)(x).shape
    (2, 8, 8, 1)
    >>> bool((layers.RandomPerspective(scale=0.0)(x) == x).all())
    True
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__("constant", interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = self._check_factor(factor)
        if not 0.0 <= scale <= 1.0:
            raise ValueError(
                "The `scale` argument should be a number in the range [0, 1]. "
                f"Received: scale={scale}"
            )
        self.scale = scale
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        batch = self._batch_size(data)
        height, width = self._size(data)
        right, bottom = width - 1.0, height - 1.0
        corners = np.array([[[0, 0], [right, 0], [0, bottom], [right, bottom]]], "float32")
        start = ops.broadcast_to(corners, (batch, 4, 2))
        chosen = self._chance(data, self.factor, seed)
        shift = self._uniform((batch, 4, 2), (-0.5 * self.scale, 0.5 * self.scale), seed)
        return {
            "apply_perspective": chosen,
            "start_points": start,
            "end_points": start + start * shift,
            "input_shape": self._shape(data),
        }

    def _transforms(self, transformation: Any, height: int, width: int) -> Any:
        keys = ("start_points", "end_points")
        start, end = (ops.convert_to_tensor(transformation[key]) for key in keys)
        moved = homography(start, end)
        # An image that stays takes part as the identity, not as a second copy to select from.
        stays = ops.reshape(transformation["apply_perspective"], (-1, 1))
        identity = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], str(moved.dtype))
        return ops.where(stays, moved, identity)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["fill_mode"]
        return {**config, "factor": self.factor, "scale": self.scale}
