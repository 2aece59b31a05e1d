"""Random tensors. The same seed gives the same numbers on every machine (Philox4x32-10).

`seed` is an int (the same numbers at each call), a `SeedGenerator` (new ones at each call), or
None for the global generator, which `utils.set_random_seed` sets.
"""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.name_scopes import name_scope
from chainrule.base.namespace import publish
from chainrule.base.naming import auto_name
from chainrule.ops._common import binary, eager_only, normalize_axis, static_shape, unary
from chainrule.sampling import log_gamma_draws
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_dtype, as_float, as_tensor, is_traced
from chainrule.tracing.dispatch import apply
from chainrule.tracing.scopes import eager_scope
from chainrule.tracing.variable import Variable

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "draw_seed", "dropout", "gamma",
    "global_seed_generator", "make_default_seed", "normal", "randint", "shuffle",
    "truncated_normal", "uniform", "used_seed_generator",
]  # fmt: skip

_GLOBAL = "global_seed_generator"
_GLOBAL_SEED = "global_random_seed"


class SeedGenerator:
    """Gives a new seed at every call of `next`: (seed, 0), (seed, 1), (seed, 2), ...; as Keras's
    `random.SeedGenerator`.

    Parameters
    ----------
    seed : int, optional
        Of any size; its low 32 bits count. Default: drawn from Python's `random`.
    name : str, optional
        Of the generator. Default: the class name in snake case, made unique.
    **kwargs : object
        Only `backend`, which has no effect.

    Attributes
    ----------
    state : Variable
        uint32 (2,): the seed's low 32 bits, and how many seeds were given.

    Raises
    ------
    ValueError
        A seed that is no integer, or another keyword.

    Examples
    --------
    >>> generator = SeedGenerator(7)
    >>> generator.next().tolist(), generator.next().tolist()
    ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        if isinstance(seed, np.integer):
            seed = int(seed)
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise ValueError(f"Argument `seed` must be an integer. Received: seed={seed}")
        first = _key(seed)
        with name_scope(self.name, caller=self):
            self.state = Variable(
                lambda shape, dtype=None: first,
                shape=(2,),
                dtype="uint32",
                trainable=False,
                name="seed_generator_state",
            )

    def next(self, ordered: bool = True) -> Any:
        """The current seed, uint32 (2,); the state moves on by one."""
        now = self.state.value
        self.state.assign(binary("add", now, np.array([0, 1], "uint32")))
        return now

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """The generator that `get_config` describes."""
        return cls(**config)


def _key(seed: int) -> Any:
    return np.array([seed & 0xFFFFFFFF, 0], "uint32")


def make_default_seed() -> int:
    """A seed from Python's `random`, as Keras's `random.make_default_seed`.

    Returns
    -------
    int
        Between 1 and 10^9.

    Examples
    --------
    >>> 1 <= make_default_seed() <= 10**9
    True
    """
    return python_random.randint(1, 10**9)


def global_seed_generator() -> SeedGenerator:
    """The generator behind `seed=None`, as Keras's `random.global_seed_generator`; made at its
    first use in a thread.

    Returns
    -------
    SeedGenerator
        The one of this thread.

    Examples
    --------
    >>> global_seed_generator() is global_seed_generator()
    True
    """
    generator = get_global_attribute(_GLOBAL)
    if generator is None:
        with eager_scope():
            generator = SeedGenerator(get_global_attribute(_GLOBAL_SEED))
        set_global_attribute(_GLOBAL, generator)
    assert isinstance(generator, SeedGenerator)
    return generator


def used_seed_generator() -> SeedGenerator | None:
    """The generator behind `seed=None`, where something has used it; see `global_seed_generator`.

    Returns
    -------
    SeedGenerator or None
        The one of this thread, if there is one.

    Examples
    --------
    >>> global_seed_generator() is used_seed_generator()
    True
    """
    generator: SeedGenerator | None = get_global_attribute(_GLOBAL)
    return generator


def draw_seed(seed: Any) -> Any:
    """The uint32 pair that a `seed` argument stands for, as Keras's `random.draw_seed`.

    Parameters
    ----------
    seed : int, SeedGenerator, uint32 pair or None
        A generator moves on by one; None takes the global one.

    Returns
    -------
    tensor
        (2,) uint32: the seed's low 32 bits, and a count.

    Raises
    ------
    ValueError
        A seed that is neither an int, a SeedGenerator, None, nor such a pair.

    Examples
    --------
    >>> draw_seed(42).tolist()
    [42, 0]
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return _key(int(seed))
    if seed is None:
        return global_seed_generator().next()
    if getattr(seed, "shape", None) == (2,) and str(seed.dtype) == "uint32":
        return as_tensor(seed)
    raise ValueError(
        "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
        f"Received: seed={seed} (of type {type(seed)})"
    )


def _draw(distribution: str, shape: Any, dtype: str, seed: Any) -> Any:
    attrs = {
        "distribution": distribution,
        "shape": list(static_shape(shape)),
        "dtype": engine_dtype(dtype),
    }
    return as_dtype(apply("random", attrs, [draw_seed(seed)]), dtype)


def _float_dtype(dtype: Any, function: str) -> str:
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
    return _affine(_draw("normal", shape, _float_dtype(dtype, "normal"), seed), stddev, mean)


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
    name = _float_dtype(dtype, "truncated_normal")
    return _affine(_draw("truncated_normal", shape, name, seed), stddev, mean)


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
    u = _draw("uniform", shape, _float_dtype(dtype, "uniform"), seed)
    dtype = standardize_dtype(u.dtype)
    low, high = as_dtype(minval, dtype), as_dtype(maxval, dtype)
    return _affine(u, binary("sub", high, low), low)


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
    u = _draw("uniform", shape, "float64", seed)
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
    u = _draw("uniform", (rows, int(num_samples), classes), name, seed)
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
    keys = _draw("bits", (x.shape[axis],), "uint32", seed)
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
    shape = [n if m is None else int(m) for n, m in zip(x.shape, noise_shape)]
    ones = np.ones(shape, x.dtype if not is_traced(x) else engine_dtype(x.dtype))
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
    name = _float_dtype(dtype, "gamma")
    drawn = unary("exp", _log_gamma(shape, alpha, name, draw_seed(seed)))
    tiny = np.finfo(drawn.dtype).tiny
    return as_dtype(binary("maximum", drawn, as_dtype(tiny, standardize_dtype(drawn.dtype))), name)


def _log_gamma(shape: Any, alpha: Any, name: str, seed: Any) -> Any:
    wide = name if name == "float64" else "float32"
    return log_gamma_draws(lambda s: _draw("uniform", s, wide, seed), static_shape(shape), alpha)


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
    return _from_numpy(draws, _float_dtype(dtype, "binomial"))


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
    name = _float_dtype(dtype, "beta")
    sizes = static_shape(shape)
    shapes = ops.stack([ops.broadcast_to(as_float(x), sizes) for x in (alpha, beta)])
    first, second = ops.unstack(_log_gamma((2, *sizes), shapes, name, draw_seed(seed)))
    return as_dtype(unary("sigmoid", binary("sub", first, second)), name)


publish(globals())
