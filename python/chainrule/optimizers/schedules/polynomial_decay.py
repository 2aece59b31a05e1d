"""Polynomial decay."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    check_positive,
)


class PolynomialDecay(LearningRateSchedule):
    """``(initial - end) * (1 - min(step, decay_steps) / decay_steps) ** power + end``.

    With ``cycle``, ``decay_steps`` is multiplied by ``max(1, ceil(step / decay_steps))`` instead of
    cutting ``step``, so that the learning rate rises again after each round.

    Parameters
    ----------
    initial_learning_rate : float
        ``initial``, the learning rate at step 0.
    decay_steps : int
        Steps, above 0, to reach ``end``.
    end_learning_rate : float
        ``end``, the last learning rate.
    power : float
        The exponent; 1 is a straight line.
    cycle : bool
        Whether to start again after `decay_steps`.
    name : str
        The schedule's name.

    Raises
    ------
    ValueError
        When `decay_steps` is not above 0.

    Examples
    --------
    >>> from chainrule.optimizers.schedules import PolynomialDecay
    >>> print(float(PolynomialDecay(1.0, decay_steps=4, end_learning_rate=0.5)(2)))
    0.75
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        initial = ops.convert_to_tensor(self.initial_learning_rate)
        step = ops.cast(step, initial.dtype)
        decay_steps = float(self.decay_steps)
        if self.cycle:
            rounds = ops.maximum(ops.ceil(ops.divide(step, decay_steps)), 1.0)
            passed = ops.divide(step, ops.multiply(decay_steps, rounds))
        else:
            passed = ops.divide(ops.minimum(step, decay_steps), decay_steps)
        left = ops.power(ops.subtract(1.0, passed), float(self.power))
        height = ops.subtract(initial, self.end_learning_rate)
        return ops.add(ops.multiply(height, left), self.end_learning_rate)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }
