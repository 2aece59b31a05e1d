"""Initializers whose scale follows from the shape of the weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule import random
from chainrule.initializers.random_initializers import RandomInitializer, compute_fans

# The standard deviation of N(0, 1) cut at two standard deviations.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Elements with mean 0 and variance ``scale / fan``, as Keras's `initializers.VarianceScaling`.

    Parameters
    ----------
    scale : float
        The factor, above 0. Default 1.0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        What ``fan`` is: how many inputs a unit reads, how many units read an input, or the mean of
        both. Default "fan_in".
    distribution : str
        "truncated_normal" (or "normal"), "untruncated_normal" or "uniform". Default
        "truncated_normal".
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        A scale that is not above 0, an unknown mode or distribution, or any other seed.

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.VarianceScaling(scale=3.0, distribution="uniform")
    >>> bool(abs(initializer((9, 100))).max() <= 1.0)
    True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        modes = ("fan_in", "fan_out", "fan_avg")
        if mode not in modes:
            raise ValueError(f"Invalid `mode` argument: {mode}. Please use one of {modes}")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        distributions = ("uniform", "truncated_normal", "untruncated_normal")
        if distribution not in distributions:
            raise ValueError(
                f"Invalid `distribution` argument: {distribution}. "
                f"Please use one of {distributions}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        shape = tuple(shape)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
        stddev = math.sqrt(self.scale / max(1.0, fans[self.mode]))
        if self.distribution == "truncated_normal":
            return random.truncated_normal(
                shape, stddev=stddev / _TRUNCATED_STDDEV, dtype=dtype, seed=self.seed
            )
        if self.distribution == "untruncated_normal":
            return random.normal(shape, stddev=stddev, dtype=dtype, seed=self.seed)
        limit = math.sqrt(3.0) * stddev
        return random.uniform(shape, minval=-limit, maxval=limit, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Named(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution are its class's."""

    _scale: float
    _mode: str
    _distribution: str

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(self._scale, self._mode, self._distribution, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Named):
    """Uniform over ``[-a, a)``, ``a = sqrt(6 / (fan_in + fan_out))``.

    Parameters
    ----------
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        Any other seed.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks".

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.GlorotUniform(seed=1)
    >>> bool(abs(initializer((2, 4))).max() <= 1.0)
    True
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "uniform"


class GlorotNormal(_Named):
    """Truncated normal with variance ``2 / (fan_in + fan_out)``.

    Parameters
    ----------
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        Any other seed.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks".

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.GlorotNormal(seed=1)
    >>> abs(float(initializer((50, 50)).std()) - 50**-0.5) < 0.01
    True
    """

    _scale, _mode, _distribution = 1.0, "fan_avg", "truncated_normal"


class LecunNormal(_Named):
    """Truncated normal with variance ``1 / fan_in``.

    Parameters
    ----------
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        Any other seed.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp".
    Klambauer, Unterthiner, Mayr & Hochreiter (2017), "Self-normalizing neural networks".

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.LecunNormal(seed=1)
    >>> abs(float(initializer((50, 50)).std()) - 50**-0.5) < 0.01
    True
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "truncated_normal"


class LecunUniform(_Named):
    """Uniform over ``[-a, a)``, ``a = sqrt(3 / fan_in)``.

    Parameters
    ----------
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        Any other seed.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp".

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.LecunUniform(seed=1)
    >>> bool(abs(initializer((3, 4))).max() <= 1.0)
    True
    """

    _scale, _mode, _distribution = 1.0, "fan_in", "uniform"


class HeNormal(_Named):
    """Truncated normal with variance ``2 / fan_in``.

    Parameters
    ----------
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        Any other seed.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers".

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.HeNormal(seed=1)
    >>> abs(float(initializer((50, 50)).std()) - 25**-0.5) < 0.01
    True
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "truncated_normal"


class HeUniform(_Named):
    """Uniform over ``[-a, a)``, ``a = sqrt(6 / fan_in)``.

    Parameters
    ----------
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.
    input_axes : sequence of int, optional
        The axes whose sizes multiply to the fan in; needs `output_axes` too. Default: the last but
        one, times the receptive field.
    output_axes : sequence of int, optional
        The axes whose sizes multiply to the fan out; needs `input_axes` too. Default: the last,
        times the receptive field.

    Raises
    ------
    ValueError
        Any other seed.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers".

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.HeUniform(seed=1)
    >>> bool(abs(initializer((6, 4))).max() <= 1.0)
    True
    """

    _scale, _mode, _distribution = 2.0, "fan_in", "uniform"
