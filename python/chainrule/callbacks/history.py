"""What `fit` returns: the metrics of each epoch."""

from __future__ import annotations

from typing import Any

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.remembered import anything, checked, count, dict_of, list_of

__all__ = ["History"]


class History(Callback):
    """Records the metrics of each epoch. `fit` adds one by itself and returns it.

    Attributes
    ----------
    epoch : list of int
        The epochs of the last `fit`, counted from 0.
    history : dict of str to list
        The metrics by name, one value an epoch; it grows over several `fit`s when reused.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def backup_state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "history": self.history}

    def restore_state(self, state: dict[str, Any]) -> None:
        kinds = {"epoch": list_of(count), "history": dict_of(list_of(anything))}
        values = checked(type(self).__name__, state, kinds)
        self.epoch, self.history = list(values["epoch"]), dict(values["history"])

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
