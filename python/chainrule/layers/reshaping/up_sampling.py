"""UpSampling1D, 2D and 3D."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.reshaping.spatial import Spatial, int_tuple

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _UpSampling(Spatial):
    size: Any

    def _factors(self) -> tuple[int, ...]:
        return tuple(self.size)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, factor in zip(self._axes(), self._factors()):
            shape[axis] = None if shape[axis] is None else shape[axis] * factor
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        for axis, factor in zip(self._axes(), self._factors()):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


class UpSampling1D(_UpSampling):
    """Repeats each time step `size` times: (N, T, C) to (N, T * size, C).

    Parameters
    ----------
    size : int
        Default 2.

    Raises
    ------
    TypeError, ValueError
        When `size` is no int, or not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        if not isinstance(size, int) or isinstance(size, bool):
            raise TypeError(f"Expected an integer value for `size`, got {type(size)}.")
        if size <= 0:
            raise ValueError(f"Argument `size` should be a positive integer. Received: size={size}")
        super().__init__("channels_last", **kwargs)
        self.size = size

    def _factors(self) -> tuple[int, ...]:
        return (self.size,)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class UpSampling2D(_UpSampling):
    """Enlarges images: (N, H, W, C) to (N, H * size[0], W * size[1], C).

    Parameters
    ----------
    size : int or pair of int
        Default 2.
    data_format : {"channels_last", "channels_first"}, optional
    interpolation : {"nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}
        ``nearest``, the default, repeats rows and columns; the others are those of
        `ops.image.resize`.

    Raises
    ------
    ValueError
        For sizes below 1, or an unknown interpolation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.UpSampling2D((1, 2))(np.ones((2, 2, 1, 3))).shape
    (2, 2, 2, 3)
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = int_tuple(size, 2, "size", smallest=1)
        self.interpolation = interpolation.lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(
                f"UpSampling2D: expected `interpolation` to be one of {_INTERPOLATIONS}, got "
                f"interpolation={interpolation!r}."
            )

    def call(self, inputs: Any) -> Any:
        size = [inputs.shape[axis] * n for axis, n in zip(self._axes(), self.size)]
        return ops.image.resize(inputs, size, self.interpolation, data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(_UpSampling):
    """Repeats along the three axes of volumes (N, D, H, W, C), or (N, C, D, H, W).

    Parameters
    ----------
    size : int or triple of int
        Default 2.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    ValueError
        For sizes below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.UpSampling3D(2)(np.ones((2, 1, 2, 1, 3))).shape
    (2, 2, 4, 2, 3)
    """

    rank = 3

    def __init__(
        self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = int_tuple(size, 3, "size", smallest=1)
