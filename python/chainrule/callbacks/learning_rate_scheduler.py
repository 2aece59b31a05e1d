"""A learning rate that is a function of the epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.io import print_msg

__all__ = ["LearningRateScheduler"]


def with_learning_rate(optimizer: Any) -> list[tuple[str, Any]]:
    """The optimizer under an empty name, or the parts of a `MultiOptimizer` by name.

    Raises
    ------
    ValueError
        When an optimizer has no learning rate.
    """
    parts = getattr(optimizer, "optimizers", None)
    named = [("", optimizer)] if parts is None else [(part.name, part) for part in parts]
    for _, part in named:
        if not hasattr(part, "learning_rate"):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
    return named


def log_learning_rate(optimizer: Any, logs: dict[str, Any]) -> None:
    """Add the learning rate of each optimizer to the logs."""
    for name, part in with_learning_rate(optimizer):
        logs[f"learning_rate_{name}" if name else "learning_rate"] = float(part.learning_rate)


class LearningRateScheduler(Callback):
    """learning_rate = schedule(epoch, learning_rate) at the beginning of each epoch.

    Parameters
    ----------
    schedule : callable
        Takes the epoch, counted from 0, and the present learning rate; or the epoch alone.
    verbose : int
        1 prints the learning rate. Default: 0.

    Raises
    ------
    ValueError
        During training, when `schedule` returns no float.

    Examples
    --------
    >>> halving = LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)
    >>> halving.schedule(1, 0.01)
    0.005
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        for name, optimizer in with_learning_rate(self.model.optimizer):
            rate = self._next_rate(epoch, optimizer)
            optimizer.learning_rate = rate
            if self.verbose > 0:
                print_msg(
                    f"\nEpoch {epoch + 1}: LearningRateScheduler setting "
                    f"{name + ' ' if name else ''}learning rate to {rate}."
                )

    def _next_rate(self, epoch: int, optimizer: Any) -> float:
        if _takes_rate(self.schedule):
            rate = self.schedule(epoch, float(optimizer.learning_rate))
        else:
            rate = self.schedule(epoch)
        if isinstance(rate, np.ndarray) and rate.ndim == 0:
            rate = rate.item()
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(
                f"The output of the `schedule` function should be a float. Got: {rate}"
            )
        return float(rate)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            log_learning_rate(self.model.optimizer, logs)


def _takes_rate(schedule: Callable[..., float]) -> bool:
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(0, 0.0)
    except TypeError:
        return False
    return True
