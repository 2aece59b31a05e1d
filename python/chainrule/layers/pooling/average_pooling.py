"""AveragePooling1D, 2D and 3D."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.pooling.base_pooling import Pooling


class _AveragePooling(Pooling):
    def call(self, inputs: Any) -> Any:
        return ops.average_pool(inputs, **self._options())


class AveragePooling1D(_AveragePooling):
    """The means of windows of sequences (N, T, C), or (N, C, T).

    ``y[n, o, c] = mean of x[n, o * strides + i, c]``

    Parameters
    ----------
    pool_size : int
        The window.
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
    >>> layers.AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel().tolist()
    [2.0, 1.0]
    """

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The means of windows of images (N, H, W, C), or (N, C, H, W).

    ``y[n, o, c] = mean of x[n, o * strides + i, c]``

    Parameters
    ----------
    pool_size : int or pair of int
        The window.
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
    >>> layers.AveragePooling2D(2, strides=1)(np.arange(6.0).reshape(1, 2, 3, 1)).ravel().tolist()
    [2.0, 3.0]
    """

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The means of windows of volumes (N, D, H, W, C), or (N, C, D, H, W).

    ``y[n, o, c] = mean of x[n, o * strides + i, c]``

    Parameters
    ----------
    pool_size : int or triple of int
        The window.
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
    >>> layers.AveragePooling3D((1, 2, 2), padding="same")(np.ones((2, 3, 5, 4, 3))).shape
    (2, 3, 3, 2, 3)
    """

    rank = 3
