"""Draws from the distributions that the core has, for `random` and for the ops that need noise."""

from __future__ import annotations

from typing import Any

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.ops._common import binary, static_shape
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_dtype
from chainrule.tracing.dispatch import apply
from chainrule.tracing.seeds import draw_seed

__all__ = ["draw", "float_dtype", "normal", "truncated_normal", "uniform"]


def draw(distribution: str, shape: Any, dtype: str, seed: Any) -> Any:
    """The core's `random` op."""
    attrs = {
        "distribution": distribution,
        "shape": list(static_shape(shape)),
        "dtype": engine_dtype(dtype),
    }
    return as_dtype(apply("random", attrs, [draw_seed(seed)]), dtype)


def float_dtype(dtype: Any, function: str) -> str:
    """The float dtype that an argument `dtype` of a public function names."""
    name = floatx() if dtype is None else standardize_dtype(dtype)
    if not is_float_dtype(name):
        raise ValueError(
            f"`keras.random.{function}` requires a floating point `dtype`. Received: dtype={name}"
        )
    return name


def _affine(x: Any, scale: Any, shift: Any) -> Any:
    dtype = standardize_dtype(x.dtype)
    return binary("add", binary("mul", x, as_dtype(scale, dtype)), as_dtype(shift, dtype))


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draws from the normal distribution N(mean, stddev^2), as `jax.random.normal`.

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    mean : float or tensor
        The expectation; broadcasts to the shape. Default 0.0.
    stddev : float or tensor
        The standard deviation, from 0 up; broadcasts to the shape. Default 1.0.
    dtype : str, optional
        A float dtype. Default: `floatx()`.
    seed : int, SeedGenerator or None
        An int gives the same numbers at each call; None takes new ones from the global generator.
        Default None.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ValueError
        A dtype that is no float, a size below 0, or a bad seed.
    ShapeError
        A mean or deviation that does not broadcast.
    DTypeError
        A mean or deviation that holds no numbers.

    References
    ----------
    Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, 2011 (Philox).

    Examples
    --------
    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    return _affine(draw("normal", shape, float_dtype(dtype, "normal"), seed), stddev, mean)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draws from N(mean, stddev^2) cut at two standard deviations on both sides, as Keras's
    `random.truncated_normal`.

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    mean : float or tensor
        The middle; broadcasts to the shape. Default 0.0.
    stddev : float or tensor
        The standard deviation before the cut, from 0 up; broadcasts to the shape. Default 1.0.
    dtype : str, optional
        A float dtype. Default: `floatx()`.
    seed : int, SeedGenerator or None
        An int gives the same numbers at each call; None takes new ones from the global generator.
        Default None.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ValueError
        A dtype that is no float, a size below 0, or a bad seed.
    ShapeError
        A mean or deviation that does not broadcast.
    DTypeError
        A mean or deviation that holds no numbers.

    Examples
    --------
    >>> bool(abs(truncated_normal((100,), seed=1)).max() <= 2.0)
    True
    """
    name = float_dtype(dtype, "truncated_normal")
    return _affine(draw("truncated_normal", shape, name, seed), stddev, mean)


def uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draws from the uniform distribution on [minval, maxval), as `jax.random.uniform`.

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    minval : float or tensor
        The lower bound; broadcasts to the shape. Default 0.0.
    maxval : float or tensor
        The upper bound; broadcasts to the shape. Default 1.0.
    dtype : str, optional
        A float dtype. Default: `floatx()`.
    seed : int, SeedGenerator or None
        An int gives the same numbers at each call; None takes new ones from the global generator.
        Default None.

    Returns
    -------
    tensor
        The shape `shape`, in that dtype.

    Raises
    ------
    ValueError
        A dtype that is no float, a size below 0, or a bad seed.
    ShapeError
        Bounds that do not broadcast.
    DTypeError
        Bounds that hold no numbers.

    Examples
    --------
    >>> u = uniform((100,), seed=1)
    >>> bool(0.0 <= u.min() and u.max() < 1.0)
    True
    """
    u = draw("uniform", shape, float_dtype(dtype, "uniform"), seed)
    dtype = standardize_dtype(u.dtype)
    low, high = as_dtype(minval, dtype), as_dtype(maxval, dtype)
    return _affine(u, binary("sub", high, low), low)
