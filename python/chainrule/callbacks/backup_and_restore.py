"""The state of a training in a directory, so that an interrupted `fit` can go on."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Sequence
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.callbacks.backup import Backup
from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.remembered import checked, count
from chainrule.utils.state_files import read_state, write_state

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Saves the whole state of a training; the next `fit` with the same directory goes on there.

    The same script, started again, ends with the same weights to the last bit as if it had never
    been stopped: weights, optimizer, the order of shuffling, the random streams of the layers, of
    Python and of NumPy, and what the other callbacks remember (`Callback.backup_state`; the
    `History` of the epochs before among it) go on where they were. In the middle of an epoch, the
    batches that were done are left out and the metrics are counted on.

    It comes after the other callbacks wherever it stands in the list, so that it saves what they
    have done. The file is written under another name and renamed.

    Of the data, positions are restored, not what they are made of: an iterator is taken from
    where it stands, a `PyDataset` says what it remembers by its `backup_state`, and batches that are
    made at random ahead of their steps differ after a stop in the middle of an epoch. Metrics go
    on by their variables. With arrays of another length or another `batch_size`, the epoch
    begins anew, with a warning.

    Parameters
    ----------
    backup_dir : str or path
        A directory for this training alone.
    save_freq : "epoch" or int
        After each epoch, or after this many batches. Default: `"epoch"`.
    double_checkpoint : bool
        Keep the state before, for when the last cannot be read. Default: False.
    delete_checkpoint : bool
        Remove the directory when training has ended. Default: True.

    Raises
    ------
    ValueError
        For an empty `backup_dir` or another `save_freq`; when training begins, for a model whose
        weights do not exist yet.
    FileFormatError
        When training begins, for a damaged file, or one of another training; nothing has changed.
    OSError
        When a file cannot be written. The one before stays.

    Examples
    --------
    >>> BackupAndRestore("backup", save_freq=100).wants_batch_events
    True
    """

    # The list that this one belongs to, which says so.
    callbacks: Sequence[Any] = ()

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"Invalid value for argument `save_freq`. Received: save_freq={save_freq}. "
                "Expected either 'epoch' or a number of batches."
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._path = os.path.join(self.backup_dir, "latest.npz")
        self._previous_path = f"{self._path}.bkp"
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen = 0
        self._current_epoch = 0
        self._unfinished: Any = None

    @property
    def wants_batch_events(self) -> bool:
        """Only when `save_freq` counts batches."""
        return self.save_freq != "epoch"

    def on_train_begin(self, logs: Logs = None) -> None:
        if not self.model.built:
            raise ValueError(
                "To use the BackupAndRestore callback, the model must be built before `fit()`: "
                f"give it an `Input`, or call it on a batch of data. Model {self.model} is unbuilt."
            )
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen = 0
        self._unfinished = None
        state, is_unfinished = self._resume()
        if state is None:
            return
        self.model._training.initial_epoch = state["epoch"]
        if is_unfinished:
            self._unfinished = state

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch
        if self._unfinished is not None:
            # What the beginning of this epoch does to the state has been done before.
            self._training.restore(self._path, self._unfinished)
            self._unfinished = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._last_batch_seen = 0
        if self.save_freq == "epoch":
            self._current_epoch = epoch + 1
            self._save()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not isinstance(self.save_freq, int):
            return
        new_epoch = batch <= self._last_batch_seen
        new = batch + 1 if new_epoch else batch - self._last_batch_seen
        self._last_batch_seen = batch
        self._batches_seen_since_last_saving += new
        if self._batches_seen_since_last_saving >= self.save_freq:
            self._batches_seen_since_last_saving = 0
            self._save()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint and os.path.exists(self.backup_dir):
            shutil.rmtree(self.backup_dir)

    def backup_state(self) -> dict[str, Any]:
        return {"last_batch_seen": self._last_batch_seen}

    def restore_state(self, state: dict[str, Any]) -> None:
        values = checked(type(self).__name__, state, {"last_batch_seen": count})
        self._last_batch_seen = values["last_batch_seen"]

    @property
    def _training(self) -> Backup:
        return Backup(self.model, self.callbacks or [self])

    def _save(self) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        state = self._training.gather(self._current_epoch)
        write_state(self._path, state, self._previous_path if self.double_checkpoint else None)

    def _resume(self) -> tuple[Any, bool]:
        """The last state that can be read and fits, put in place; None where there is none.

        And whether it is in the middle of an epoch.
        """
        paths = [p for p in (self._path, self._previous_path) if os.path.exists(p)]
        for path in paths:
            try:
                state = self._training.check(path, read_state(path))
                return state, self._training.restore(path, state)
            except FileFormatError as error:
                if path == paths[-1]:
                    raise
                warnings.warn(f"{error}; going on from '{paths[-1]}'", stacklevel=6)
        return None, False
