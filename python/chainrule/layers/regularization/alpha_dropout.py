"""AlphaDropout: dropout that keeps mean and variance of SELU activations."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_rate

_ALPHA = 1.6732632423543772848170429916717
_SCALE = 1.0507009873554804934193349852946


class AlphaDropout(Layer):
    """``y = a * where(keep, x, -alpha * scale) + b`` while training; else ``x``.

    ``a = ((1 - rate) * (1 + rate * (alpha * scale)^2))^-1/2`` and ``b = a * rate * alpha * scale``
    restore mean and variance, alpha and scale being SELU's.

    Parameters
    ----------
    rate : float
        In [0, 1].
    noise_shape : tuple, optional
        The shape of the mask of kept entries; `None` entries are the input's sizes.
    seed : int, optional

    Raises
    ------
    ValueError
        For a rate outside [0, 1].

    Notes
    -----
    Klambauer et al. 2017, "Self-Normalizing Neural Networks" (arXiv:1706.02515).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AlphaDropout(0.2)(np.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_rate(rate)
        self.rate = rate
        self.seed = seed
        self.noise_shape = noise_shape
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        shape = tuple(inputs.shape)
        if self.noise_shape is not None:
            shape = tuple(s if n is None else n for s, n in zip(shape, self.noise_shape))
        dropped_value = -_ALPHA * _SCALE
        uniform = random.uniform(shape, seed=self.seed_generator)
        keep = ops.cast(ops.greater_equal(uniform, self.rate), inputs.dtype)
        a = ((1 - self.rate) * (1 + self.rate * dropped_value**2)) ** -0.5
        b = -a * dropped_value * self.rate
        return a * (inputs * keep + dropped_value * (1 - keep)) + b

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }
