"""Initializers that draw from a distribution of fixed scale, and random rotations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import ops, random
from chainrule.base import serialization
from chainrule.base.dtypes import standardize_dtype
from chainrule.initializers.initializer import Initializer


class RandomInitializer(Initializer):
    """Keeps the seed; the base of the initializers that draw random numbers.

    Parameters
    ----------
    seed
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes.

    Raises
    ------
    ValueError
        For any other seed.
    """

    def __init__(self, seed: Any = None) -> None:
        self._init_seed = seed
        if seed is None:
            seed = random.make_default_seed()
        elif isinstance(seed, dict):
            seed = serialization.deserialize_keras_object(seed)
        elif isinstance(seed, (int, np.integer)):
            seed = int(seed)
        elif not isinstance(seed, random.SeedGenerator):
            raise ValueError(
                "`seed` argument should be an instance of `keras.random.SeedGenerator()` or an "
                f"integer. Received: seed={seed}"
            )
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"seed": serialization.serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Elements from ``N(mean, stddev ** 2)``, as Keras's `initializers.RandomNormal`.

    Parameters
    ----------
    mean : float
        The expectation. Default 0.0.
    stddev : float
        The standard deviation, from 0 up. Default 0.05.
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.

    Raises
    ------
    ValueError
        Any other seed.

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.RandomNormal(stddev=0.1, seed=1)
    >>> bool((initializer((2, 3)) == initializer((2, 3))).all())
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        return random.normal(
            tuple(shape), mean=self.mean, stddev=self.stddev, dtype=dtype, seed=self.seed
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Elements from ``N(mean, stddev ** 2)`` within two standard deviations of the mean, as Keras's
    `initializers.TruncatedNormal`.

    Parameters
    ----------
    mean : float
        The middle. Default 0.0.
    stddev : float
        The standard deviation of the distribution that is cut, from 0 up. Default 0.05.
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.

    Raises
    ------
    ValueError
        Any other seed.

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.TruncatedNormal(stddev=0.1, seed=1)
    >>> bool(abs(initializer((9, 100))).max() <= 0.2)
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        return random.truncated_normal(
            tuple(shape), mean=self.mean, stddev=self.stddev, dtype=dtype, seed=self.seed
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Elements from the uniform distribution over ``[minval, maxval)``, as Keras's
    `initializers.RandomUniform`.

    Parameters
    ----------
    minval : float
        The lower bound. Default -0.05.
    maxval : float
        The upper bound. Default 0.05.
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.

    Raises
    ------
    ValueError
        Any other seed.

    Examples
    --------
    >>> import chainrule as keras
    >>> initializer = keras.initializers.RandomUniform(0.0, 2.0, seed=1)
    >>> bool(initializer((9, 100)).min() >= 0.0)
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        return random.uniform(
            tuple(shape), minval=self.minval, maxval=self.maxval, dtype=dtype, seed=self.seed
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class Orthogonal(RandomInitializer):
    """``gain * Q``, where ``Q`` is a random matrix with orthonormal columns (or rows, if wide).

    ``Q`` is uniform over such matrices: the QR decomposition of a normal matrix, computed in
    float64, with the signs of R's diagonal. More than two axes count as a matrix of shape
    (product of all but the last, last).

    Parameters
    ----------
    gain : float
        The factor. Default 1.0.
    seed : int, SeedGenerator or None
        An int: every call draws the same numbers. A `random.SeedGenerator`: every call draws new
        ones. None: an int is drawn, which `utils.set_random_seed` fixes. Default None.

    Raises
    ------
    ValueError
        Any other seed; when called, a shape with fewer than two axes.

    References
    ----------
    Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks".
    Mezzadri (2007), "How to generate random matrices from the classical compact groups".

    Examples
    --------
    >>> import chainrule as keras
    >>> q = keras.initializers.Orthogonal(seed=1)((3, 2))
    >>> (abs(q.T @ q) + 0.0).round(5)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A tensor of first values."""
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. "
                f"Received: shape={tuple(shape)} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        normal = np.asarray(random.normal(tall, dtype=dtype, seed=self.seed), dtype=np.float64)
        q, r = np.linalg.qr(normal)
        q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        if rows < columns:
            q = q.T
        scaled = np.ascontiguousarray(self.gain * q).reshape(tuple(shape))
        return ops.cast(scaled, standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "gain": self.gain}


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """How many inputs a unit reads, and how many units read an input.

    Parameters
    ----------
    shape
        Shape of the weight: (inputs, units), or (receptive field ..., inputs, units).
    input_axes, output_axes
        Where both are given, the fans are the products of the sizes of these axes.

    Examples
    --------
    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    >>> compute_fans((64, 4, 16), input_axes=[0], output_axes=[1, 2])
    (64, 64)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return (
            math.prod(shape[axis] for axis in input_axes),
            math.prod(shape[axis] for axis in output_axes),
        )
    if not shape:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    field = math.prod(shape[:-2])
    return int(shape[-2] * field), int(shape[-1] * field)
