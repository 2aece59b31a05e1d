"""The state of a training in a directory, so that an interrupted `fit` can go on."""

from __future__ import annotations

import os
import random as python_random
import shutil
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import random
from chainrule.callbacks.callback import Callback, Logs
from chainrule.errors import FileFormatError
from chainrule.utils.state_files import read_state, write_state

__all__ = ["BackupAndRestore"]

_FORMAT = 2


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
        weights do not exist yet or do not fit to the state.
    FileFormatError
        When training begins, for a damaged file.

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
        state = self._read()
        if state is None:
            return
        self.model._initial_epoch = state["epoch"]
        if self._restore(state):
            self._unfinished = state

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._current_epoch = epoch
        if self._unfinished is not None:
            # What the beginning of this epoch does to the state has been done before.
            self._restore(self._unfinished)
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
        self._last_batch_seen = state["last_batch_seen"]

    def _parts(self) -> dict[str, list[Any]]:
        """The variables of the training, by what they belong to."""
        optimizer = self.model.optimizer
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        return {
            "model": list(self.model.variables),
            "optimizer": list(optimizer.variables) if optimizer is not None else [],
            "metrics": [v for metric in self.model.metrics for v in metric.variables],
        }

    def _named_callbacks(self) -> dict[str, Any]:
        """The callbacks that have a state, by the name of their class, made unique."""
        found: dict[str, Any] = {}
        for callback in self.callbacks or [self]:
            if hasattr(callback, "backup_state"):
                name = type(callback).__name__
                number = sum(key.split("/")[0] == name for key in found)
                found[f"{name}/{number}"] = callback
        return found

    def _save(self) -> None:
        os.makedirs(self.backup_dir, exist_ok=True)
        state = {
            "format": _FORMAT,
            "epoch": self._current_epoch,
            "variables": {n: list(map(np.asarray, vs)) for n, vs in self._parts().items()},
            "callbacks": {n: c.backup_state() for n, c in self._named_callbacks().items()},
            "feeds": {name: feed.backup_state() for name, feed in self._feeds().items()},
            "random": _random_state(),
        }
        write_state(self._path, state, self._previous_path if self.double_checkpoint else None)

    def _feeds(self) -> dict[str, Any]:
        """What brings the batches of `fit`: "train" and, with validation, "validation"."""
        return getattr(self.model, "_feeds", None) or {}

    def _read(self) -> Any:
        """The last state that can be read and fits to the model; None where there is none."""
        paths = [p for p in (self._path, self._previous_path) if os.path.exists(p)]
        for path in paths:
            try:
                return self._read_file(path)
            except FileFormatError as error:
                if path == paths[-1]:
                    raise
                warnings.warn(f"{error}; going on from '{paths[-1]}'", stacklevel=5)
        return None

    def _read_file(self, path: str) -> Any:
        state = read_state(path)
        if not isinstance(state, dict) or state.get("format") != _FORMAT:
            raise FileFormatError(f"file '{path}': expected the state of a training, got another")
        for part, variables in self._parts().items():
            if part == "metrics":
                continue
            expected = [tuple(v.shape) for v in variables]
            given = [v.shape for v in state["variables"][part]]
            if given != expected:
                raise ValueError(
                    f"{path} holds the state of another model: expected variables of the {part} "
                    f"of shapes {expected}, got {given}."
                )
        return state

    def _restore(self, state: dict[str, Any]) -> bool:
        """Put everything where it was; whether that is in the middle of an epoch."""
        done = 0
        for name, feed in self._feeds().items():
            if name in state["feeds"]:
                done = max(done, feed.restore_state(state["feeds"][name]))
        for part, variables in self._parts().items():
            values = state["variables"][part]
            if part != "metrics" or (done and len(values) == len(variables)):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value)
        for name, callback in self._named_callbacks().items():
            if name in state["callbacks"]:
                callback.restore_state(state["callbacks"][name])
        _set_random_state(state["random"])
        return done > 0


def _random_state() -> dict[str, Any]:
    """Where the global generators are: Python's, NumPy's and, where it is in use, chainrule's."""
    version, words, gauss = python_random.getstate()
    generator = random.used_seed_generator()
    return {
        "python": [version, np.array(words, "uint64"), gauss],
        "numpy": list(np.random.get_state()),
        "chainrule": None if generator is None else np.asarray(generator.state),
    }


def _set_random_state(state: dict[str, Any]) -> None:
    version, words, gauss = state["python"]
    python_random.setstate((version, tuple(map(int, words)), gauss))
    np.random.set_state(tuple(state["numpy"]))
    if state["chainrule"] is not None:
        random.global_seed_generator().state.assign(state["chainrule"])
