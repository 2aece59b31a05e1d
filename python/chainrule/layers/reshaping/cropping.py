"""Cropping1D, 2D and 3D."""

from __future__ import annotations

from typing import Any

from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size
from chainrule.layers.reshaping.spatial import Pair, Spatial, int_tuple, pairs


class _Cropping(Spatial):
    cropping: tuple[Any, ...]

    def _pairs(self) -> tuple[Pair, ...]:
        return self.cropping

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, pair in zip(self._axes(), self._pairs()):
            if shape[axis] is None:
                continue
            if not isinstance(shape[axis], Size) and shape[axis] <= sum(pair):
                raise ShapeError(self._too_small(input_shape))
            shape[axis] -= sum(pair)
        return tuple(shape)

    def _too_small(self, input_shape: Any) -> str:
        return (
            "Values in `cropping` argument should be smaller than the corresponding spatial "
            f"dimension of the input. Received: input_shape={tuple(input_shape)}, "
            f"cropping={self.cropping}"
        )

    def call(self, inputs: Any) -> Any:
        kept = self.compute_output_shape(inputs.shape)
        index = [slice(None)] * len(inputs.shape)
        for axis, (before, _) in zip(self._axes(), self._pairs()):
            index[axis] = slice(before, before + kept[axis])
        return inputs[tuple(index)]

    def get_config(self) -> dict[str, Any]:
        config = {"cropping": self.cropping, "data_format": self.data_format}
        return {**super().get_config(), **config}


class Cropping1D(_Cropping):
    """Cuts both ends off each sequence: (N, T, C) to (N, T - before - after, C).

    Parameters
    ----------
    cropping : int or pair of int
        Default 1 at each end.

    Raises
    ------
    ShapeError
        (at a call) when nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Cropping1D((1, 2))(np.arange(5.0).reshape(1, 5, 1)).ravel().tolist()
    [1.0, 2.0]
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__("channels_last", **kwargs)
        self.cropping = int_tuple(cropping, 2, "cropping")

    def _pairs(self) -> tuple[Pair, ...]:
        return ((self.cropping[0], self.cropping[1]),)

    def _too_small(self, input_shape: Any) -> str:
        return (
            "`cropping` parameter of `Cropping1D` layer must be smaller than the input length. "
            f"Received: input_shape={tuple(input_shape)}, cropping={self.cropping}"
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(_Cropping):
    """Cuts the edges off each image (N, H, W, C), or (N, C, H, W).

    Parameters
    ----------
    cropping : int, pair of int, or pair of pairs
        Everywhere; (height, width); or ((top, bottom), (left, right)). Default 0.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    ShapeError
        (at a call) when nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Cropping2D(((2, 2), (4, 4)))(np.ones((2, 28, 28, 3))).shape
    (2, 24, 20, 3)
    """

    rank = 2

    def __init__(
        self,
        cropping: Any = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = pairs(cropping, 2, "cropping")


class Cropping3D(_Cropping):
    """Cuts the faces off each volume (N, D, H, W, C), or (N, C, D, H, W).

    Parameters
    ----------
    cropping : int, triple of int, or triple of pairs
        Default 1.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    ShapeError
        (at a call) when nothing is left.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Cropping3D((2, 4, 2))(np.ones((2, 28, 28, 10, 3))).shape
    (2, 24, 20, 6, 3)
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = pairs(cropping, 3, "cropping")
