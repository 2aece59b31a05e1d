"""Exponential decay."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    check_positive,
)


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at step 0.
    decay_steps : int
        Steps, above 0, over which the learning rate falls by `decay_rate`.
    decay_rate : float
        The factor.
    staircase : bool
        Whether the exponent is rounded down, so that the learning rate falls in jumps.
    name : str
        The schedule's name.

    Raises
    ------
    ValueError
        When `decay_steps` is not above 0.

    Examples
    --------
    >>> from chainrule.optimizers.schedules import ExponentialDecay
    >>> schedule = ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
    >>> print(f"{float(schedule(20)):.4f}")
    0.0250
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        initial = ops.convert_to_tensor(self.initial_learning_rate)
        passed = ops.divide(ops.cast(step, initial.dtype), float(self.decay_steps))
        exponent = ops.floor(passed) if self.staircase else passed
        return ops.multiply(initial, ops.power(float(self.decay_rate), exponent))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }
