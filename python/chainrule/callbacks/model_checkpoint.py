"""The model or its weights in a file, after each epoch or every few batches."""

from __future__ import annotations

import os
import warnings
from typing import Any

from chainrule.callbacks.callback import Logs
from chainrule.callbacks.monitor_callback import MonitorCallback
from chainrule.saving.foreign import MODEL_ENDINGS, WEIGHTS_ENDINGS, check_ending
from chainrule.utils.io import print_msg
from chainrule.utils.remembered import checked, count, number, optional

__all__ = ["ModelCheckpoint"]

_REMEMBERED = {
    "best": optional(number),
    "_batches_seen_since_last_saving": count,
    "_last_batch_seen": optional(count),
}


class ModelCheckpoint(MonitorCallback):
    """Saves the model while it trains.

    Parameters
    ----------
    filepath : str or path
        Ends in `.chainrule`, `.keras` or `.h5`, or with `save_weights_only` in `.safetensors`,
        `.weights.h5` or `.h5`. It can name the epoch and metrics:
        `"{epoch:02d}-{val_loss:.2f}.chainrule"`; epochs and batches count from 1.
    monitor : str
        The metric to watch. Default: `"val_loss"`.
    verbose : int
        1 prints a message at each decision. Default: 0.
    save_best_only : bool
        Save only when the metric has improved. Default: False.
    save_weights_only : bool
        Save the weights instead of the model. Default: False.
    mode : {"auto", "min", "max"}
        Which way is better.
    save_freq : "epoch" or int
        After each epoch, or after this many batches. Default: `"epoch"`.
    initial_value_threshold : float, optional
        The first value to beat.

    Raises
    ------
    ValueError
        For another suffix or another `save_freq`.

    Examples
    --------
    >>> ModelCheckpoint("{epoch:02d}.chainrule").wants_batch_events
    False
    >>> ModelCheckpoint("{epoch:02d}.safetensors", save_weights_only=True, save_freq=10).filepath
    '{epoch:02d}.safetensors'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._current_epoch = 0
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen: int | None = None
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Unrecognized save_freq: {save_freq}. Expected 'epoch' or a number of batches."
            )
        check_ending(
            f"ModelCheckpoint with save_weights_only={save_weights_only}",
            self.filepath,
            WEIGHTS_ENDINGS if save_weights_only else MODEL_ENDINGS,
        )

    @property
    def wants_batch_events(self) -> bool:
        """Only when `save_freq` counts batches."""
        return self.save_freq != "epoch"

    def backup_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _REMEMBERED}

    def restore_state(self, state: dict[str, Any]) -> None:
        for name, value in checked(type(self).__name__, state, _REMEMBERED).items():
            setattr(self, name, value)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._is_due(batch):
            self._save_model(self._current_epoch, batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.monitor_op is None and self.save_best_only:
            self._set_monitor_op()
        if self.save_freq == "epoch":
            self._save_model(epoch, None, logs)

    def _is_due(self, batch: int) -> bool:
        if not isinstance(self.save_freq, int):
            return False
        if self._last_batch_seen is None or batch <= self._last_batch_seen:
            new = batch + 1
        else:
            new = batch - self._last_batch_seen
        self._last_batch_seen = batch
        self._batches_seen_since_last_saving += new
        if self._batches_seen_since_last_saving < self.save_freq:
            return False
        self._batches_seen_since_last_saving = 0
        return True

    def _should_save(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        current = logs.get(self.monitor) if self.save_best_only else None
        if not self.save_best_only:
            self._say(epoch, f"saving model to {path}")
            return True
        if current is None:
            warnings.warn(
                f"Can save best model only with {self.monitor} available, which is not in "
                f"{','.join(logs)}; saving the model.",
                stacklevel=3,
            )
            return True
        if getattr(current, "shape", ()) != ():
            warnings.warn(
                "Can save best model only when `monitor` is a scalar value; saving the model. "
                f"Received: {current}",
                stacklevel=3,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._say(
            epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}"
        )
        self.best = current
        return True

    def _save_model(self, epoch: int, batch: int | None, logs: Logs) -> None:
        logs = logs or {}
        path = self._path(epoch, batch, logs)
        if not self._should_save(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise IsADirectoryError(
                "Please specify a non-directory filepath for ModelCheckpoint. "
                f"Filepath used is an existing directory: {path}"
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        fields = {"epoch": epoch + 1, **logs}
        if batch is not None:
            fields.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**fields)
        except KeyError as error:
            raise KeyError(
                f'Failed to format this callback filepath: "{self.filepath}". '
                f"It names {error}; there are {', '.join(fields)}."
            ) from error

    def _say(self, epoch: int, message: str) -> None:
        if self.verbose > 0:
            print_msg(f"\nEpoch {epoch + 1}: {message}")
