"""Stop when a metric no longer improves."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule.callbacks.callback import Logs
from chainrule.callbacks.monitor_callback import MonitorCallback
from chainrule.utils.io import print_msg
from chainrule.utils.remembered import array, checked, count, list_of, number, optional

__all__ = ["EarlyStopping"]

_REMEMBERED = {
    "wait": count,
    "stopped_epoch": count,
    "best": optional(number),
    "best_epoch": count,
    "best_weights": optional(list_of(array)),
}


class EarlyStopping(MonitorCallback):
    """Ends training after `patience` epochs without improvement.

    Parameters
    ----------
    monitor : str
        The metric to watch. Default: `"val_loss"`.
    min_delta : float
        A change smaller than this is no improvement. Default: 0.
    patience : int
        How many epochs without improvement are allowed. Default: 0.
    verbose : int
        1 prints a message when training is stopped. Default: 0.
    mode : {"auto", "min", "max"}
        Which way is better.
    baseline : float, optional
        Stop unless the metric gets better than this.
    restore_best_weights : bool
        Go back to the weights of the best epoch when training ends. Default: False.
    start_from_epoch : int
        How many epochs to ignore at first. Default: 0.

    Examples
    --------
    >>> stop = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    >>> stop.monitor, stop.patience
    ('val_loss', 3)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights = None

    def backup_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _REMEMBERED}

    def restore_state(self, state: dict[str, Any]) -> None:
        values = checked(type(self).__name__, state, _REMEMBERED)
        best = values["best_weights"]
        shapes = [tuple(v.shape) for v in self.model.weights]
        if best is not None and [a.shape for a in best] != shapes:
            raise ValueError(
                f"the state of EarlyStopping: expected 'best_weights' of shapes {shapes}, got "
                f"{[a.shape for a in best]}"
            )
        for name, value in values.items():
            setattr(self, name, value)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None:
            self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_msg(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_msg(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Logs) -> Any:
        """The monitored metric's value, or `None` with a warning."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"Early stopping conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}",
                stacklevel=2,
            )
        return value
