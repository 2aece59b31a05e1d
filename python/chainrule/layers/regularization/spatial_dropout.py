"""Dropout of whole channels."""

from __future__ import annotations

from typing import Any

from chainrule import random
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.options import standardize_data_format
from chainrule.layers.regularization.dropout import Dropout


class _SpatialDropout(Dropout):
    """Dropout that keeps or drops all positions of a channel together."""

    data_format = "channels_last"

    def __init__(
        self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        channel = 1 if self.data_format == "channels_first" else len(inputs.shape) - 1
        shape = tuple(s if i in (0, channel) else 1 for i, s in enumerate(inputs.shape))
        return random.dropout(inputs, self.rate, noise_shape=shape, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "name": self.name, "dtype": self.dtype}


class SpatialDropout1D(_SpatialDropout):
    """``y[n, :, c] = x[n, :, c] / (1 - rate)`` or 0, drawn once for each (n, c), while training.

    Shapes: x and y (N, T, C).

    Parameters
    ----------
    rate : float
        In [0, 1].
    seed : int, optional
    name, dtype : str, optional

    Notes
    -----
    Tompson et al. 2014, "Efficient Object Localization Using Convolutional Networks"
    (arXiv:1411.4280).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> y = layers.SpatialDropout1D(0.5, seed=1)(np.ones((1, 3, 4)), training=True)
    >>> bool((y == y[:, :1]).all())
    True
    """

    def __init__(
        self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=3)


class SpatialDropout2D(_SpatialDropout):
    """Keeps or drops whole feature maps of (N, H, W, C), or (N, C, H, W), while training.

    Parameters
    ----------
    rate : float
        In [0, 1].
    data_format : {"channels_last", "channels_first"}, optional
    seed : int, optional
    name, dtype : str, optional

    Notes
    -----
    Tompson et al. 2014 (arXiv:1411.4280).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.SpatialDropout2D(0.5)(np.ones((1, 2, 2, 1))).shape
    (1, 2, 2, 1)
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=4)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}


class SpatialDropout3D(_SpatialDropout):
    """Keeps or drops whole channels of (N, D, H, W, C), or (N, C, D, H, W), while training.

    Parameters
    ----------
    rate : float
        In [0, 1].
    data_format : {"channels_last", "channels_first"}, optional
    seed : int, optional
    name, dtype : str, optional

    Notes
    -----
    Tompson et al. 2014 (arXiv:1411.4280).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 1))).shape
    (1, 2, 2, 2, 1)
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: Any = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=5)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
