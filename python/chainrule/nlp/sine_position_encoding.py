"""SinePositionEncoding: sines and cosines of a place, of many wavelengths."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.layers.layer import Layer
from chainrule.nlp.places import places_of


class SinePositionEncoding(Layer):
    """``y[..., t, i] = sin(t w_i)`` for even i, ``cos(t w_i)`` for odd, ``w_i = W^(-2 (i // 2) / C)``.

    Shapes: inputs (..., T, C), of which only the shape counts; y as inputs. W is `max_wavelength`
    and t the place ``start_index + 0, 1, ...``.

    Parameters
    ----------
    max_wavelength : float
        Of the slowest wave, over 2 pi. Default 10000.

    Notes
    -----
    At a call, `start_index` (an int or a scalar tensor, default 0) is the place of the first
    element; `positions` (T,) or (..., T) name all places in its stead. Arguments as in KerasHub.
    Vaswani et al. 2017, arXiv 1706.03762, section 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> nlp.SinePositionEncoding()(np.zeros((1, 2, 2))).round(3).tolist()
    [[[0.0, 1.0], [0.8410000205039978, 0.5400000214576721]]]
    """

    def __init__(self, max_wavelength: float = 10000, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not max_wavelength > 0:
            raise ValueError(f"`max_wavelength` must be positive. Received: {max_wavelength}")
        self.max_wavelength = max_wavelength
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Any:
        length, depth = inputs.shape[-2], inputs.shape[-1]
        channels = np.arange(depth)
        rates = np.power(1 / self.max_wavelength, 2 * (channels // 2) / depth)
        # (..., T, C): a cosine is a sine a quarter of a wave earlier, but not to the last bit.
        places = ops.cast(places_of(length, start_index, positions), self.compute_dtype)
        angles = ops.expand_dims(places, -1) * ops.cast(rates, self.compute_dtype)
        waves = ops.where(channels % 2 == 0, ops.sin(angles), ops.cos(angles))
        return ops.broadcast_to(waves, inputs.shape)

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "max_wavelength": self.max_wavelength}
