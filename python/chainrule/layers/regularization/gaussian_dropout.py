"""GaussianDropout: multiplicative noise."""

from __future__ import annotations

import math
from typing import Any

from chainrule import random
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_rate


class GaussianDropout(Layer):
    """``y = x * n``, ``n ~ N(1, rate / (1 - rate))`` while training; else ``x``.

    Parameters
    ----------
    rate : float
        In [0, 1); the noise has the variance that dropout of this rate has.
    seed : int, optional

    Raises
    ------
    ValueError
        For a rate outside [0, 1].

    Notes
    -----
    Srivastava et al. 2014, JMLR 15, section 10.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GaussianDropout(0.2)(np.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_rate(rate)
        self.rate = rate
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        noise = random.normal(
            shape=inputs.shape,
            mean=1.0,
            stddev=math.sqrt(self.rate / (1.0 - self.rate)),
            dtype=self.compute_dtype,
            seed=self.seed_generator,
        )
        return inputs * noise

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
