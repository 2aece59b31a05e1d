"""Cosine decay, after a linear warm-up."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.optimizers.schedules.learning_rate_schedule import (
    LearningRateSchedule,
    check_positive,
)


class CosineDecay(LearningRateSchedule):
    """``initial * ((1 - alpha) * 0.5 * (1 + cos(pi * step / decay_steps)) + alpha)``.

    With a ``warmup_target``, the learning rate first rises in a straight line from ``initial`` to
    the target, over `warmup_steps`, and decays from there. It stays constant after the decay.

    Parameters
    ----------
    initial_learning_rate : float
        ``initial``, the learning rate at step 0.
    decay_steps : int
        Steps of the decay, above 0.
    alpha : float
        The last learning rate, as a part of the one the decay starts from.
    name : str
        The schedule's name.
    warmup_target : float, optional
        The learning rate after the warm-up; None for no warm-up.
    warmup_steps : int
        Steps of the warm-up.

    Raises
    ------
    ValueError
        When `decay_steps` is not above 0.

    References
    ----------
    Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".

    Examples
    --------
    >>> from chainrule.optimizers.schedules import CosineDecay
    >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=4)
    >>> [round(float(schedule(step)), 3) for step in (0, 2, 4, 9, 14)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_steps = warmup_steps
        self.warmup_target = warmup_target

    def __call__(self, step: Any) -> Any:
        """The learning rate at `step`."""
        initial = ops.convert_to_tensor(self.initial_learning_rate)
        step = ops.cast(step, initial.dtype)
        if self.warmup_target is None or self.warmup_steps == 0:
            top = initial if self.warmup_target is None else self.warmup_target
            return self._decayed(step, top)
        share = ops.divide(step, float(self.warmup_steps))
        height = ops.subtract(self.warmup_target, initial)
        return ops.where(
            ops.less(step, float(self.warmup_steps)),
            ops.add(ops.multiply(height, share), initial),
            self._decayed(ops.subtract(step, float(self.warmup_steps)), self.warmup_target),
        )

    def _decayed(self, step: Any, top: Any) -> Any:
        decay_steps = float(self.decay_steps)
        passed = ops.divide(ops.minimum(step, decay_steps), decay_steps)
        cosine = ops.multiply(0.5, ops.add(1.0, ops.cos(ops.multiply(math.pi, passed))))
        part = ops.add(ops.multiply(1 - self.alpha, cosine), self.alpha)
        return ops.multiply(top, part)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }
