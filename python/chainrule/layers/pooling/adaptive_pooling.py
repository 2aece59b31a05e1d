"""Adaptive pooling: as many windows as asked for, which together cover the image."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.reshaping.spatial import Spatial, int_tuple


class _AdaptivePooling(Spatial):
    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        if not isinstance(output_size, (int, list, tuple)):
            raise TypeError(
                f"`output_size` must be an integer or {self.rank} of them. "
                f"Received: output_size={output_size!r} of type {type(output_size)}"
            )
        self.output_size = int_tuple(output_size, self.rank, "output_size", smallest=1)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, size in zip(self._axes(), self.output_size):
            shape[axis] = size
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        config = {"output_size": self.output_size, "data_format": self.data_format}
        return {**super().get_config(), **config}


class _AdaptiveMaxPooling(_AdaptivePooling):
    def call(self, inputs: Any) -> Any:
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class _AdaptiveAveragePooling(_AdaptivePooling):
    def call(self, inputs: Any) -> Any:
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The maxima of `output_size` windows that cover sequences (N, T, C), or (N, C, T).

    Window i of an axis of size S covers ``floor(i S / O) : ceil((i + 1) S / O)``.

    Parameters
    ----------
    output_size : int
        O, the number of windows on each axis.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    TypeError, ValueError
        When `output_size` is no int and no sequence, or of another length, or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.array([[[1.0], [3.0], [2.0], [0.0], [5.0]]])
    >>> layers.AdaptiveMaxPooling1D(3)(x).ravel().tolist()
    [3.0, 3.0, 5.0]
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """The maxima of `output_size` windows that cover images (N, H, W, C), or (N, C, H, W).

    Window i of an axis of size S covers ``floor(i S / O) : ceil((i + 1) S / O)``.

    Parameters
    ----------
    output_size : int or pair of int
        O, the number of windows on each axis.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    TypeError, ValueError
        When `output_size` is no int and no sequence, or of another length, or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AdaptiveMaxPooling2D((3, 2))(np.ones((2, 7, 5, 3))).shape
    (2, 3, 2, 3)
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """The maxima of `output_size` windows that cover volumes (N, D, H, W, C), or (N, C, D, H, W).

    Window i of an axis of size S covers ``floor(i S / O) : ceil((i + 1) S / O)``.

    Parameters
    ----------
    output_size : int or triple of int
        O, the number of windows on each axis.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    TypeError, ValueError
        When `output_size` is no int and no sequence, or of another length, or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AdaptiveMaxPooling3D(2)(np.ones((1, 4, 5, 6, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The means of `output_size` windows that cover sequences (N, T, C), or (N, C, T).

    Window i of an axis of size S covers ``floor(i S / O) : ceil((i + 1) S / O)``.

    Parameters
    ----------
    output_size : int
        O, the number of windows on each axis.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    TypeError, ValueError
        When `output_size` is no int and no sequence, or of another length, or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.array([[[1.0], [3.0], [3.0], [0.0], [5.0]]])
    >>> layers.AdaptiveAveragePooling1D(3)(x).ravel().tolist()
    [2.0, 2.0, 2.5]
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """The means of `output_size` windows that cover images (N, H, W, C), or (N, C, H, W).

    Window i of an axis of size S covers ``floor(i S / O) : ceil((i + 1) S / O)``.

    Parameters
    ----------
    output_size : int or pair of int
        O, the number of windows on each axis.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    TypeError, ValueError
        When `output_size` is no int and no sequence, or of another length, or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AdaptiveAveragePooling2D((3, 2))(np.ones((2, 7, 5, 3))).shape
    (2, 3, 2, 3)
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """The means of `output_size` windows that cover volumes (N, D, H, W, C), or (N, C, D, H, W).

    Window i of an axis of size S covers ``floor(i S / O) : ceil((i + 1) S / O)``.

    Parameters
    ----------
    output_size : int or triple of int
        O, the number of windows on each axis.
    data_format : {"channels_last", "channels_first"}, optional

    Raises
    ------
    TypeError, ValueError
        When `output_size` is no int and no sequence, or of another length, or below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AdaptiveAveragePooling3D(2)(np.ones((1, 4, 5, 6, 3))).shape
    (1, 2, 2, 2, 3)
    """

    rank = 3
