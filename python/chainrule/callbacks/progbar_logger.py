"""The progress bar of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.io import print_msg
from chainrule.utils.progbar import Progbar

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """Prints a bar an epoch, with the metrics.

    It asks for no batch events: the loop calls `on_progress` about ten times a second. Where
    another callback asks for them, it draws at batch ends instead, no more often.
    """

    wants_batch_events = False
    wants_test_batch_events = False
    wants_predict_batch_events = False

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._called_in_fit = False
        self._testing = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")

    def on_progress(self, step: int, logs: Logs = None) -> None:
        """Draw the bar with `step` batches done, unless a validation inside `fit` is running."""
        if not (self._called_in_fit and self._testing):
            self._update(step, logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._called_in_fit = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._called_in_fit = False

    def on_test_begin(self, logs: Logs = None) -> None:
        self._testing = True
        if not self._called_in_fit:
            self._new_bar()

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._new_bar()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._new_bar()
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._update(batch + 1, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._called_in_fit:
            self._update(batch + 1, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._update(batch + 1, None)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finalize(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._testing = False
        if not self._called_in_fit:
            self._finalize(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finalize(None)

    def _new_bar(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _update(self, step: int, logs: Logs) -> None:
        self.seen = step
        if self.progbar is not None and self.verbose == 1:
            self.progbar.update(step, (logs or {}).items(), finalize=False)

    def _finalize(self, logs: Logs) -> None:
        if self.progbar is None:
            return
        if self.target is None:
            self.target = self.seen
            self.progbar.target = self.target
        self.progbar.update(self.target, (logs or {}).items(), finalize=True)
        self.progbar = None
