"""One seed for everything that draws random numbers."""

from __future__ import annotations

import random

import numpy as np

from chainrule.base.global_state import get_global_attribute, set_global_attribute

__all__ = ["GLOBAL_RANDOM_SEED", "GLOBAL_SEED_GENERATOR", "get_random_seed", "set_random_seed"]

GLOBAL_RANDOM_SEED = "global_random_seed"
GLOBAL_SEED_GENERATOR = "global_seed_generator"


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator and chainrule's.

    After it, the same program gives the same weights to the last bit.

    Parameters
    ----------
    seed : int
        0 to 2**32 - 1.

    Raises
    ------
    ValueError
        When it is not.

    Examples
    --------
    >>> import random
    >>> set_random_seed(7)
    >>> first = random.random()
    >>> set_random_seed(7)
    >>> random.random() == first
    True
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
        raise ValueError(
            f"Expected `seed` argument to be an integer. Received: seed={seed} (of type "
            f"{type(seed)})"
        )
    if not 0 <= seed < 2**32:
        raise ValueError(f"Expected `seed` between 0 and 2**32 - 1. Received: seed={seed}")
    set_global_attribute(GLOBAL_RANDOM_SEED, int(seed))
    set_global_attribute(GLOBAL_SEED_GENERATOR, None)
    random.seed(int(seed))
    np.random.seed(int(seed))


def get_random_seed() -> int | None:
    """The seed that `set_random_seed` was given in this thread, or `None`."""
    seed: int | None = get_global_attribute(GLOBAL_RANDOM_SEED)
    return seed
