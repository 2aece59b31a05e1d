"""GaussianNoise: additive noise."""

from __future__ import annotations

from typing import Any

from chainrule import random
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_rate


class GaussianNoise(Layer):
    """``y = x + n``, ``n ~ N(0, stddev^2)`` while training; else ``x``.

    Parameters
    ----------
    stddev : float
        In [0, 1].
    seed : int, optional

    Raises
    ------
    ValueError
        For a standard deviation outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GaussianNoise(0.2)(np.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_rate(stddev, "stddev")
        self.stddev = stddev
        self.seed = seed
        if stddev > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.stddev == 0:
            return inputs
        noise = random.normal(
            shape=inputs.shape,
            mean=0.0,
            stddev=self.stddev,
            dtype=self.compute_dtype,
            seed=self.seed_generator,
        )
        return inputs + noise

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
