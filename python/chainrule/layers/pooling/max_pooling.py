"""MaxPooling1D, 2D and 3D."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.pooling.base_pooling import Pooling


class _MaxPooling(Pooling):
    def call(self, inputs: Any) -> Any:
        return ops.max_pool(inputs, **self._options())


class MaxPooling1D(_MaxPooling):
    """The maxima of windows of sequences (N, T, C), or (N, C, T).

    ``y[n, o, c] = max of x[n, o * strides + i, c]``; the first maximum takes the gradient.

    Parameters
    ----------
    pool_size : int
        The window. Default 2.
    strides : int, optional
        From one window to the next; default `pool_size`.
    padding : {"valid", "same"}
        ``(S - pool_size) // strides + 1`` windows inside the image, or ``ceil(S / strides)`` that
        reach over its edges, where only elements inside count. Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional

    Raises
    ------
    ValueError
        For sizes or strides below 1, or an unknown padding.
    ShapeError
        (at a call) when a window is larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel().tolist()
    [3.0, 2.0]
    """

    rank = 1

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(_MaxPooling):
    """The maxima of windows of images (N, H, W, C), or (N, C, H, W).

    ``y[n, o, c] = max of x[n, o * strides + i, c]``; the first maximum takes the gradient.

    Parameters
    ----------
    pool_size : int or pair of int
        The window. Default 2.
    strides : int or pair of int, optional
        From one window to the next; default `pool_size`.
    padding : {"valid", "same"}
        ``(S - pool_size) // strides + 1`` windows inside the image, or ``ceil(S / strides)`` that
        reach over its edges, where only elements inside count. Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional

    Raises
    ------
    ValueError
        For sizes or strides below 1, or an unknown padding.
    ShapeError
        (at a call) when a window is larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.MaxPooling2D(2, strides=1)(np.arange(6.0).reshape(1, 2, 3, 1)).ravel().tolist()
    [4.0, 5.0]
    """

    rank = 2

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(_MaxPooling):
    """The maxima of windows of volumes (N, D, H, W, C), or (N, C, D, H, W).

    ``y[n, o, c] = max of x[n, o * strides + i, c]``; the first maximum takes the gradient.

    Parameters
    ----------
    pool_size : int or triple of int
        The window. Default 2.
    strides : int or triple of int, optional
        From one window to the next; default `pool_size`.
    padding : {"valid", "same"}
        ``(S - pool_size) // strides + 1`` windows inside the image, or ``ceil(S / strides)`` that
        reach over its edges, where only elements inside count. Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
    name : str, optional

    Raises
    ------
    ValueError
        For sizes or strides below 1, or an unknown padding.
    ShapeError
        (at a call) when a window is larger than the image.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.MaxPooling3D((1, 2, 2), padding="same")(np.ones((2, 3, 5, 4, 3))).shape
    (2, 3, 3, 2, 3)
    """

    rank = 3

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
