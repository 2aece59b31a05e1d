"""Inverse time decay."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    check_positive,
)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Parameters
    ----------
    initial_learning_rate : float
        The learning rate at step 0.
    decay_steps : int
        Steps, above 0, over which the denominator grows by `decay_rate`.
    decay_rate : float
        The growth.
    staircase : bool
        Whether ``step / decay_steps`` is rounded down, so that the learning rate falls in jumps.
    name : str
        The schedule's name.

    Raises
    ------
    ValueError
        When `decay_steps` is not above 0.

    Examples
    --------
    >>> from chainrule.optimizers.schedules import InverseTimeDecay
    >>> print(float(InverseTimeDecay(0.5, decay_steps=10, decay_rate=1.0)(10)))
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
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
        passed = ops.floor(passed) if self.staircase else passed
        return ops.divide(initial, ops.add(1.0, ops.multiply(float(self.decay_rate), passed)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }
