"""A learning rate that is a function of the epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.io import print_msg

__all__ = ["LearningRateScheduler"]


def log_learning_rate(optimizer: Any, logs: dict[str, Any]) -> None:
    """Add the optimizer's learning rate to the logs."""
    logs["learning_rate"] = float(optimizer.learning_rate)


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
        optimizer = self.model.optimizer
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError('Optimizer must have a "learning_rate" attribute.')
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
        optimizer.learning_rate = rate
        if self.verbose > 0:
            print_msg(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}."
            )

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
