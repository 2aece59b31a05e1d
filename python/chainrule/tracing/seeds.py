"""Seeds of random ops: pairs of numbers, and generators that give a new one at each call."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.name_scopes import name_scope
from chainrule.base.naming import auto_name
from chainrule.base.seeds import GLOBAL_SEED_GENERATOR, get_random_seed
from chainrule.tracing.arrays import constant
from chainrule.tracing.dispatch import apply
from chainrule.tracing.scopes import eager_scope
from chainrule.tracing.trace import current_trace
from chainrule.tracing.variable import Variable

__all__ = [
    "SeedGenerator",
    "draw_seed",
    "global_seed_generator",
    "make_default_seed",
    "used_seed_generator",
]

_STEP = np.array([0, 1], "uint32")


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
        self.state.assign(apply("binary", {"function": "add"}, [now, _STEP]))
        return now

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """The generator that `get_config` describes."""
        return cls(**config)


def _next_of_all() -> Any:
    """A seed of the global generator. A trace counts it whatever StatelessScope is open inside, so that
    the next run of what is compiled draws other numbers."""
    generator, trace = global_seed_generator(), current_trace()
    if trace is None:
        return generator.next()
    now = trace.read(generator.state)
    trace.assign(generator.state, apply("binary", {"function": "add"}, [now, _STEP]))
    return now


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
    generator = get_global_attribute(GLOBAL_SEED_GENERATOR)
    if generator is None:
        with eager_scope():
            generator = SeedGenerator(get_random_seed())
        set_global_attribute(GLOBAL_SEED_GENERATOR, generator)
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
    generator: SeedGenerator | None = get_global_attribute(GLOBAL_SEED_GENERATOR)
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
        return _next_of_all()
    if getattr(seed, "shape", None) == (2,) and str(seed.dtype) == "uint32":
        return constant(seed)
    raise ValueError(
        "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
        f"Received: seed={seed} (of type {type(seed)})"
    )
