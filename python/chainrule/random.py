"""Random tensors. The same seed gives the same numbers on every machine (Philox4x32-10).

`seed` is an int (the same numbers at each call), a `SeedGenerator` (new ones at each call), or
None for the global generator, which `utils.set_random_seed` sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.config import floatx
from chainrule.base.dtypes import is_int_dtype, result_type, standardize_dtype
from chainrule.base.namespace import publish
from chainrule.base.sizes import as_size
from chainrule.ops._common import binary, eager_only, normalize_axis, static_shape, unary
from chainrule.ops._draws import draw, float_dtype, normal, truncated_normal, uniform
from chainrule.ops._sized import filled
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_dtype, as_float, as_tensor, is_traced
from chainrule.tracing.dispatch import apply
from chainrule.tracing.seeds import (
    SeedGenerator,
    draw_seed,
    global_seed_generator,
    make_default_seed,
    used_seed_generator,
)

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "draw_seed", "dropout", "gamma",
    "global_seed_generator", "make_default_seed", "normal", "randint", "shuffle",
    "truncated_normal", "uniform", "used_seed_generator",
]  # fmt: skip

# Each candidate is taken with a probability above 0.95, so none of them once in 10^10 draws.
_CANDIDATES = 8


def randint(
    shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None
) -> Any:
    """Integers from minval up to, not including, maxval, all equally likely; as
    `jax.random.randint`.

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    minval : int or tensor
        The least; broadcasts to the shape.
    maxval : int or tensor
        One above the largest; broadcasts to the shape.
    dtype : str or None
        An integer dtype. Default "int32".
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
        A dtype that is no integer one, a size below 0, or a bad seed.
    ShapeError
        Bounds that do not broadcast.
    DTypeError
        Bounds that hold no numbers.

    Examples
    --------
    >>> r = randint((100,), 0, 10, seed=1)
    >>> r.min().item() >= 0 and r.max().item() < 10
    True
    """
    name = "int32" if dtype is None else standardize_dtype(dtype)
    if not is_int_dtype(name):
        raise ValueError(
            f"`keras.random.randint` requires an integer `dtype`. Received: dtype={name} "
        )
    u = draw("uniform", shape, "float64", seed)
    low, high = as_dtype(minval, "float64"), as_dtype(maxval, "float64")
    drawn = unary("floor", binary("mul", u, binary("sub", high, low)))
    return as_dtype(binary("add", drawn, low), name)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """`num_samples` class numbers for each row of logits, class c by softmax(row)[c]; as
    `jax.random.categorical`.

    Draws by the largest logit plus Gumbel noise.

    Parameters
    ----------
    logits : tensor (n, classes)
        Logarithms of weights; integers are cast to `floatx()`.
    num_samples : int
        Of each row, from 0 up.
    dtype : str or None
        Of the result. Default "int32".
    seed : int, SeedGenerator or None
        An int gives the same numbers at each call; None takes new ones from the global generator.
        Default None.

    Returns
    -------
    tensor
        (n, num_samples), in that dtype.

    Raises
    ------
    ValueError
        Logits without exactly two axes, a negative `num_samples`, or a bad seed.
    ShapeError
        No classes.
    DTypeError
        `logits` holds no numbers.

    References
    ----------
    Gumbel, Statistical Theory of Extreme Values and Some Practical Applications, 1954.

    Examples
    --------
    >>> categorical([[0.0, 100.0]], 3, seed=1).tolist()
    [[1, 1, 1]]
    """
    logits = as_float(logits)
    if logits.ndim != 2:
        raise ValueError(
            "`logits` should be a 2-D tensor with shape [batch_size, num_classes]. "
            f"Received: shape {tuple(logits.shape)}"
        )
    rows, classes = logits.shape
    name = result_type(logits.dtype, "float32")
    u = draw("uniform", (rows, int(num_samples), classes), name, seed)
    gumbel = unary("neg", unary("log", unary("neg", unary("log", u))))
    column = apply("reshape", {"shape": [rows, 1, classes]}, [as_dtype(logits, name)])
    chosen = apply(
        "arg_reduce", {"function": "argmax", "axis": 2}, [binary("add", column, gumbel)]
    )
    return as_dtype(chosen, "int32" if dtype is None else standardize_dtype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """x with its slices along `axis` in a random order, as `jax.random.permutation`.

    Parameters
    ----------
    x : tensor
        Of one axis or more, any dtype.
    axis : int
        Along which. Default 0.
    seed : int, SeedGenerator or None
        An int gives the same numbers at each call; None takes new ones from the global generator.
        Default None.

    Returns
    -------
    tensor
        The shape and the dtype of x.

    Raises
    ------
    ShapeError
        An axis that `x` does not have.
    ValueError
        A bad seed.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> sorted(shuffle([1, 2, 3], seed=1).tolist())
    [1, 2, 3]
    """
    x = as_tensor(x)
    axis = normalize_axis(axis, x.ndim, "shuffle")
    keys = draw("bits", (x.shape[axis],), "uint32", seed)
    order = apply("argsort", {"axis": 0}, [keys])
    return apply("gather", {"axis": axis}, [x, order])


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Each element is 0 with probability `rate`, else divided by 1 - rate.

    Elements share a draw along axes where `noise_shape` is 1. The gradient passes where the element
    stays.

    Parameters
    ----------
    inputs : tensor
        Of any shape; integers are cast to `floatx()`.
    rate : float
        In [0, 1].
    noise_shape : ints, optional
        Of the draws, which broadcasts to that of `inputs`; None for one size means the input's.
        Default: the input's.
    seed : int, SeedGenerator or None
        An int gives the same numbers at each call; None takes new ones from the global generator.
        Default None.

    Returns
    -------
    tensor
        The shape of `inputs`, in its float dtype.

    Raises
    ------
    ValueError
        A rate outside [0, 1], or a bad seed.
    ShapeError
        A noise shape that does not broadcast.
    DTypeError
        `inputs` holds no numbers.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: A Simple Way to Prevent
    Neural Networks from Overfitting, 2014.

    Examples
    --------
    >>> dropout([1.0, 1.0], 0.0, seed=1).tolist()
    [1.0, 1.0]
    """
    x = as_float(inputs)
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: expected a rate in [0, 1], got {rate}")
    if rate == 0:
        return x
    if rate == 1:
        return binary("mul", x, as_dtype(0.0, standardize_dtype(x.dtype)))
    if noise_shape is None:
        return apply("dropout", {"rate": float(rate)}, [x, draw_seed(seed)])
    shape = [n if m is None else as_size(m) for n, m in zip(x.shape, noise_shape)]
    ones = filled(shape, 1, x.dtype if not is_traced(x) else engine_dtype(x.dtype))
    mask = apply("dropout", {"rate": float(rate)}, [ones, draw_seed(seed)])
    return binary("mul", x, as_dtype(mask, standardize_dtype(x.dtype)))


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from the gamma distribution of shape alpha and scale 1: density x^(alpha - 1)
    exp(-x)/Gamma(alpha).

    A draw that underflows is the dtype's least positive normal number.

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    alpha : float or tensor
        Above 0 (else NaN); broadcasts to the shape.
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
        An alpha that does not broadcast.
    DTypeError
        An alpha that holds no numbers.

    References
    ----------
    Marsaglia and Tsang, A Simple Method for Generating Gamma Variables, 2000.

    Examples
    --------
    >>> gamma((3,), 2.0, seed=1).shape
    (3,)
    """
    name = float_dtype(dtype, "gamma")
    drawn = unary("exp", _log_gamma(shape, alpha, name, draw_seed(seed)))
    tiny = np.finfo(drawn.dtype).tiny
    return as_dtype(binary("maximum", drawn, as_dtype(tiny, standardize_dtype(drawn.dtype))), name)


def _log_gamma(shape: Any, alpha: Any, name: str, seed: Any) -> Any:
    wide = name if name == "float64" else "float32"
    return _log_gamma_draws(lambda s: draw("uniform", s, wide, seed), static_shape(shape), alpha)


def _log_gamma_draws(
    uniform: Callable[[tuple[int, ...]], Any], shape: tuple[int, ...], alpha: Any
) -> Any:
    """Logarithms of draws from the gamma distribution of shape alpha and scale 1.

    ``log(d (1 + c z)^3)`` with d = a - 1/3, c = 1 / sqrt(9 d), for the first of eight candidates
    z ~ N(0, 1) that passes ``log u < z^2 / 2 + d - d v + d log v``. For alpha < 1 the draw is that
    of a = alpha + 1, plus ``log(u) / alpha``: as a logarithm it does not underflow.

    Parameters
    ----------
    uniform : callable
        Gives uniform numbers in [0, 1) of a shape.
    alpha : float or tensor
        Above 0, broadcast to the shape.

    Notes
    -----
    Marsaglia & Tsang 2000, A simple method for generating gamma variables, ACM TOMS 26(3).

    Examples
    --------
    >>> import numpy as np
    >>> _log_gamma_draws(lambda shape: np.full(shape, 0.5), (2,), 1.0).round(3).tolist()
    [-0.405, -0.405]
    """
    n = _CANDIDATES
    u = uniform((2 * n + 1, *shape))
    alpha = ops.broadcast_to(ops.cast(alpha, u.dtype), shape)
    small = alpha < 1.0
    d = ops.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    z = ops.erfinv(2.0 * u[:n] - 1.0) * math.sqrt(2.0)
    root = 1.0 + z / (3.0 * ops.sqrt(d))
    positive = root > 0.0
    log_v = 3.0 * ops.log(ops.where(positive, root, 1.0))
    bound = 0.5 * z * z + d - d * ops.exp(log_v) + d * log_v
    passes = ops.logical_and(positive, ops.log(1.0 - u[n : 2 * n]) < bound)
    first = ops.expand_dims(ops.argmax(passes, axis=0), 0)
    drawn = ops.log(d) + ops.squeeze(ops.take_along_axis(log_v, first, axis=0), 0)
    return ops.where(small, drawn + ops.log(1.0 - u[2 * n]) / alpha, drawn)


def _numpy_generator(seed: Any) -> np.random.Generator:
    low, high = eager_only(lambda pair: pair, draw_seed(seed), name="random").tolist()
    return np.random.Generator(np.random.Philox(key=low | high << 32))


def _from_numpy(draws: Any, dtype: Any) -> Any:
    return as_dtype(np.asarray(draws), floatx() if dtype is None else standardize_dtype(dtype))


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Any:
    """Numbers of successes in `counts` trials of the given probabilities (outside traces only).

    By NumPy's generator, seeded with the drawn seed; as NumPy's `np.random.Generator.binomial`.

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    counts : int or tensor
        The number of trials, from 0 up; broadcasts to the shape.
    probabilities : float or tensor
        Of success, in [0, 1]; broadcasts to the shape.
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
        A dtype that is no float, counts below 0, probabilities outside [0, 1], shapes that do not
        broadcast, or a bad seed.
    TypeError
        A traced argument.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> binomial((3,), 10, 1.0, seed=1).tolist()
    [10.0, 10.0, 10.0]
    """
    draw = _numpy_generator(seed).binomial
    draws = eager_only(
        lambda trials, chances: draw(trials.astype("int64"), chances, static_shape(shape)),
        counts,
        probabilities,
        name="binomial",
    )
    return _from_numpy(draws, float_dtype(dtype, "binomial"))


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Draws from the beta distribution, ``g1 / (g1 + g2)`` of two gamma draws: density x^(alpha -
    1) (1 - x)^(beta - 1)/B(alpha, beta).

    Parameters
    ----------
    shape : int or ints
        Of the result, sizes from 0 up.
    alpha, beta : float or tensor
        Above 0 (else NaN); broadcast to the shape.
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
        An alpha or beta that does not broadcast.
    DTypeError
        An alpha or beta that holds no numbers.

    References
    ----------
    Devroye, Non-Uniform Random Variate Generation, 1986, section IX.3.

    Examples
    --------
    >>> beta((3,), 2.0, 3.0, seed=1).shape
    (3,)
    """
    name = float_dtype(dtype, "beta")
    sizes = static_shape(shape)
    shapes = ops.stack([ops.broadcast_to(as_float(x), sizes) for x in (alpha, beta)])
    first, second = ops.unstack(_log_gamma((2, *sizes), shapes, name, draw_seed(seed)))
    return as_dtype(unary("sigmoid", binary("sub", first, second)), name)


publish(globals())
