"""The state of a training in a directory, so that an interrupted `fit` can go on."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.callbacks.callback import Callback, Logs

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Saves weights, optimizer and epoch; the next `fit` with the same directory goes on there.

    Each file is written under another name and renamed, the weights first: after a crash between
    the two, an epoch is run again.

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
        weights do not exist yet or do not fit to the state.

    Examples
    --------
    >>> BackupAndRestore("backup", save_freq=100).wants_batch_events
    True
    """

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
        self._weights_path = os.path.join(self.backup_dir, "latest.npz")
        self._training_metadata_path = os.path.join(self.backup_dir, "training_metadata.json")
        self._prev_weights_path = f"{self._weights_path}.bkp"
        self._prev_training_metadata_path = f"{self._training_metadata_path}.bkp"
        self._batches_seen_since_last_saving = 0
        self._last_batch_seen = 0
        self._current_epoch = 0

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
        try:
            self._restore(self._weights_path, self._training_metadata_path)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            if not os.path.exists(self._prev_weights_path):
                raise
            self._restore(self._prev_weights_path, self._prev_training_metadata_path)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch + 1
        self._last_batch_seen = 0
        if self.save_freq == "epoch":
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

    def _variables(self) -> list[Any]:
        optimizer = self.model.optimizer
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        return [*self.model.variables, *(optimizer.variables if optimizer is not None else ())]

    def _restore(self, weights_path: str, metadata_path: str) -> None:
        if os.path.exists(weights_path):
            variables = self._variables()
            with np.load(weights_path, allow_pickle=False) as arrays:
                values = [arrays[str(i)] for i in range(len(variables))]
                expected = [tuple(v.shape) for v in variables]
                given = [v.shape for v in values]
                if given != expected or len(arrays.files) != len(variables):
                    raise ValueError(
                        f"{weights_path} holds the state of another model: expected variables "
                        f"of shapes {expected}, got {given}."
                    )
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        if os.path.exists(metadata_path):
            with open(metadata_path, encoding="utf-8") as file:
                self.model._initial_epoch = int(json.load(file)["epoch"])

    def _save(self) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._weights_path):
            shutil.copy(self._weights_path, self._prev_weights_path)
            if os.path.exists(self._training_metadata_path):
                shutil.copy(self._training_metadata_path, self._prev_training_metadata_path)
        arrays: dict[str, Any] = {str(i): np.asarray(v) for i, v in enumerate(self._variables())}
        _replace(self._weights_path, lambda file: np.savez(file, **arrays))
        metadata = {"epoch": self._current_epoch, "batch": self._last_batch_seen}
        text = json.dumps(metadata).encode()
        _replace(self._training_metadata_path, lambda file: file.write(text))


def _replace(path: str, write: Callable[[Any], Any]) -> None:
    """Write a file under another name, then rename it to `path`."""
    temporary = f"{path}.tmp"
    with open(temporary, "wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
