"""Cosine decay, started again and again."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    check_positive,
)


class CosineDecayRestarts(LearningRateSchedule):
    """``initial * ((1 - alpha) * m_mul ** i * 0.5 * (1 + cos(pi * f)) + alpha)``.

    ``i`` counts the restarts and ``f`` in [0, 1) is the part of the current round that has passed.
    The first round lasts `first_decay_steps`, each next one `t_mul` times as long.

    Parameters
    ----------
    initial_learning_rate : float
        ``initial``, the learning rate at step 0.
    first_decay_steps : int
        Steps of the first round, above 0.
    t_mul : float
        How many times longer each round is than the one before.
    m_mul : float
        The top of each round, as a part of that of the one before.
    alpha : float
        The lowest learning rate, as a part of ``initial``.
    name : str
        The schedule's name.

    Raises
    ------
    ValueError
        When `first_decay_steps` is not above 0.

    References
    ----------
    Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".

    Examples
    --------
    >>> from chainrule.optimizers.schedules import CosineDecayRestarts
    >>> schedule = CosineDecayRestarts(1.0, first_decay_steps=10, m_mul=0.5)
    >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 20, 30)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = check_positive("first_decay_steps", first_decay_steps)
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        initial = ops.convert_to_tensor(self.initial_learning_rate)
        passed = ops.divide(ops.cast(step, initial.dtype), float(self.first_decay_steps))
        restarts, fraction = self._round(passed)
        height = ops.multiply(0.5, ops.power(float(self._m_mul), restarts))
        cosine = ops.multiply(height, ops.add(1.0, ops.cos(ops.multiply(math.pi, fraction))))
        return ops.multiply(initial, ops.add(ops.multiply(1 - self.alpha, cosine), self.alpha))

    def _round(self, passed: Any) -> tuple[Any, Any]:
        """How many restarts there were, and what part of the current round has passed.

        Rounds ``0 .. i - 1`` last ``(1 - t ** i) / (1 - t)`` first rounds, with ``t = t_mul``; so
        ``i = floor(log(1 - (1 - t) * passed) / log(t))``.
        """
        t = float(self._t_mul)
        if t == 1.0:
            restarts = ops.floor(passed)
            return restarts, ops.subtract(passed, restarts)
        inside = ops.subtract(1.0, ops.multiply(1.0 - t, passed))
        restarts = ops.floor(ops.divide(ops.log(inside), math.log(t)))
        length = ops.power(t, restarts)
        before = ops.divide(ops.subtract(1.0, length), 1.0 - t)
        return restarts, ops.divide(ops.subtract(passed, before), length)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
