"""A smaller learning rate when a metric no longer improves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.callbacks.callback import Logs
from chainrule.callbacks.learning_rate_scheduler import (
    log_learning_rate,
    with_learning_rate,
)
from chainrule.callbacks.monitor_callback import MonitorCallback
from chainrule.utils.io import print_msg
from chainrule.utils.remembered import checked, count, number, optional

__all__ = ["ReduceLROnPlateau"]

_REMEMBERED = {"best": optional(number), "cooldown_counter": count, "wait": count}


class ReduceLROnPlateau(MonitorCallback):
    """learning_rate = max(learning_rate * factor, min_lr) after `patience` epochs on a plateau.

    Parameters
    ----------
    monitor : str
        The metric to watch. Default: `"val_loss"`.
    factor : float
        Below 1. Default: 0.1.
    patience : int
        How many epochs without improvement are allowed. Default: 10.
    verbose : int
        1 prints a message at each reduction. Default: 0.
    mode : {"auto", "min", "max"}
        Which way is better.
    min_delta : float
        A change smaller than this is no improvement. Default: 1e-4.
    cooldown : int
        Epochs after a reduction that do not count. Default: 0.
    min_lr : float
        The smallest learning rate. Default: 0.

    Raises
    ------
    ValueError
        When `factor` is not below 1.

    Examples
    --------
    >>> ReduceLROnPlateau(factor=0.5, patience=2).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau does not support a factor >= 1.0. Received factor={factor}"
            )
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def backup_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _REMEMBERED}

    def restore_state(self, state: dict[str, Any]) -> None:
        for name, value in checked(type(self).__name__, state, _REMEMBERED).items():
            setattr(self, name, value)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None:
            self._set_monitor_op()
        logs = {} if logs is None else logs
        log_learning_rate(self.model.optimizer, logs)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Learning rate reduction is conditioned on metric `{self.monitor}` which is not "
                f"available. Available metrics are: {','.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait < self.patience:
                return
            parts = with_learning_rate(self.model.optimizer)
            if any([self._reduce(part, name, epoch) for name, part in parts]):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, optimizer: Any, name: str, epoch: int) -> bool:
        """Make the learning rate smaller; whether it was above `min_lr`."""
        old = float(optimizer.learning_rate)
        if old <= np.float32(self.min_lr):
            return False
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            print_msg(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing "
                f"{name + ' ' if name else ''}learning rate to {new}."
            )
        return True

    def in_cooldown(self) -> bool:
        """Whether the last reduction was less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0
