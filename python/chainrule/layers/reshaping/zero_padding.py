"""ZeroPadding1D, 2D and 3D."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.reshaping.spatial import Pair, Spatial, int_tuple, pairs


class _ZeroPadding(Spatial):
    padding: tuple[Any, ...]

    def _pairs(self) -> tuple[Pair, ...]:
        return self.padding

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, pair in zip(self._axes(), self._pairs()):
            shape[axis] = None if shape[axis] is None else shape[axis] + sum(pair)
        return tuple(shape)

    def call(self, inputs: Any) -> Any:
        widths: list[Pair] = [(0, 0)] * len(inputs.shape)
        for axis, pair in zip(self._axes(), self._pairs()):
            widths[axis] = pair
        return ops.pad(inputs, tuple(widths))

    def get_config(self) -> dict[str, Any]:
        config = {"padding": self.padding, "data_format": self.data_format}
        return {**super().get_config(), **config}


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after each sequence: (N, T, C) to (N, before + T + after, C).

    Parameters
    ----------
    padding : int or pair of int
        One width for both ends, or two. Default 1.
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ZeroPadding1D((1, 2))(np.ones((1, 1, 1))).ravel().tolist()
    [0.0, 1.0, 0.0, 0.0]
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = int_tuple(padding, 2, "padding")

    def _pairs(self) -> tuple[Pair, ...]:
        return ((self.padding[0], self.padding[1]),)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around each image: (N, H, W, C) to (N, H + top + bottom, W + left + right, C).

    Parameters
    ----------
    padding : int, pair of int, or pair of pairs
        Everywhere; (height, width); or ((top, bottom), (left, right)). Default 1.
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ZeroPadding2D((1, 2))(np.ones((1, 2, 2, 3))).shape
    (1, 4, 6, 3)
    """

    rank = 2

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = pairs(padding, 2, "padding")


class ZeroPadding3D(_ZeroPadding):
    """Zeros around each volume (N, D, H, W, C).

    Parameters
    ----------
    padding : int, triple of int, or triple of pairs
        Default 1.
    data_format : {"channels_last", "channels_first"}, optional

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ZeroPadding3D(1)(np.ones((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 3)
    """

    rank = 3

    def __init__(
        self,
        padding: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = pairs(padding, 3, "padding")
