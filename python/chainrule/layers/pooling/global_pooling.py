"""Global pooling: the maximum or the mean of every channel of an image."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.reshaping.spatial import Spatial


class _GlobalPooling(Spatial):
    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        axes = self._axes()
        if self.keepdims:
            return tuple(1 if i in axes else n for i, n in enumerate(input_shape))
        return tuple(n for i, n in enumerate(input_shape) if i not in axes)

    def get_config(self) -> dict[str, Any]:
        config = {"data_format": self.data_format, "keepdims": self.keepdims}
        return {**super().get_config(), **config}


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs: Any) -> Any:
        return ops.max(inputs, axis=tuple(self._axes()), keepdims=self.keepdims)


class _GlobalAveragePooling(_GlobalPooling):
    def call(self, inputs: Any) -> Any:
        return ops.mean(inputs, axis=tuple(self._axes()), keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The maximum of each channel of sequences (N, T, C), or (N, C, T): (N, C).

    Several elements that are the maximum share its gradient.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Whether the pooled axes stay, with size 1. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GlobalMaxPooling1D(keepdims=True)(np.ones((2, 5, 4))).shape
    (2, 1, 4)
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The maximum of each channel of images (N, H, W, C), or (N, C, H, W): (N, C).

    Several elements that are the maximum share its gradient.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Whether the pooled axes stay, with size 1. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GlobalMaxPooling2D()(np.ones((2, 5, 3, 4))).shape
    (2, 4)
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The maximum of each channel of volumes (N, D, H, W, C), or (N, C, D, H, W): (N, C).

    Several elements that are the maximum share its gradient.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Whether the pooled axes stay, with size 1. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GlobalMaxPooling3D(keepdims=True)(np.ones((2, 5, 3, 2, 4))).shape
    (2, 1, 1, 1, 4)
    """

    rank = 3


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean of each channel of sequences (N, T, C), or (N, C, T): (N, C).

    With a mask (N, T), the mean of the steps that count.

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Whether the pooled axes stay, with size 1. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.array([[[1.0], [2.0], [9.0]]])
    >>> layers.GlobalAveragePooling1D()(x, mask=np.array([[True, True, False]])).tolist()
    [[1.5]]
    """

    rank = 1

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        (axis,) = self._axes()
        counts = ops.expand_dims(ops.cast(mask, "bool"), 3 - axis)
        kept = ops.where(counts, inputs, ops.zeros_like(inputs))
        steps = ops.sum(ops.cast(counts, inputs.dtype), axis=axis, keepdims=self.keepdims)
        return ops.sum(kept, axis=axis, keepdims=self.keepdims) / steps

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of images (N, H, W, C), or (N, C, H, W): (N, C).

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Whether the pooled axes stay, with size 1. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GlobalAveragePooling2D()(np.ones((2, 5, 3, 4))).shape
    (2, 4)
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel of volumes (N, D, H, W, C), or (N, C, D, H, W): (N, C).

    Parameters
    ----------
    data_format : {"channels_last", "channels_first"}, optional
    keepdims : bool
        Whether the pooled axes stay, with size 1. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GlobalAveragePooling3D(keepdims=True)(np.ones((2, 5, 3, 2, 4))).shape
    (2, 1, 1, 1, 4)
    """

    rank = 3
