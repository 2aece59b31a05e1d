"""Dropout."""

from __future__ import annotations

from typing import Any

from chainrule import random
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_rate


class Dropout(Layer):
    """``y = where(keep, x / (1 - rate), 0)`` while training, with P(keep) = 1 - rate; else ``x``.

    Parameters
    ----------
    rate : float
        In [0, 1].
    noise_shape : tuple, optional
        The shape of the mask of kept entries, broadcast to the input; `None` entries are the
        input's sizes. ``(None, 1, None)`` drops whole sequences of a feature.
    seed : int, optional

    Raises
    ------
    ValueError
        For a rate outside [0, 1] or a noise shape of anything but positive ints and `None`.

    Notes
    -----
    Srivastava et al. 2014, JMLR 15.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.Dropout(0.5, seed=0)
    >>> sorted(set(layer(np.ones((8, 8)), training=True).ravel().tolist()))
    [0.0, 2.0]
    >>> layer(np.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_rate(rate)
        self.rate = rate
        self.seed = seed
        self.noise_shape = _check_noise_shape(noise_shape)
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return random.dropout(
            inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "seed": self.seed,
            "noise_shape": self.noise_shape,
        }


def _check_noise_shape(noise_shape: Any) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    invalid = "Invalid value received for argument `noise_shape`. Expected "
    if isinstance(noise_shape, str) or not hasattr(noise_shape, "__iter__"):
        what = "a tuple or list of integers" if isinstance(noise_shape, str) else (
            "an iterable of integers (e.g., a tuple or list)"
        )
        raise ValueError(f"{invalid}{what}. Received: noise_shape={noise_shape}")
    for i, size in enumerate(noise_shape):
        if size is not None and not isinstance(size, int):
            raise ValueError(
                f"{invalid}all elements to be integers or None. Received element at index {i}: "
                f"{size} (type: {type(size).__name__})"
            )
        if size is not None and size <= 0:
            raise ValueError(
                f"{invalid}all dimensions to be positive integers or None. Received negative or "
                f"zero value at index {i}: {size}"
            )
    return tuple(noise_shape)
