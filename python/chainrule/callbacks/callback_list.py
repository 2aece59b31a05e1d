"""Several callbacks behind one: what the training loop calls."""

from __future__ import annotations

from typing import Any

from chainrule.base import tree
from chainrule.callbacks.backup_and_restore import BackupAndRestore
from chainrule.callbacks.callback import Callback, Logs
from chainrule.callbacks.history import History
from chainrule.callbacks.progbar_logger import ProgbarLogger

__all__ = ["CallbackList"]


def python_logs(logs: Logs) -> dict[str, Any]:
    """The logs with plain floats, nested dicts flattened, sorted by name."""
    result: dict[str, Any] = {}
    for key, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            result.update(python_logs(value))
        elif getattr(value, "shape", ()) == () and hasattr(value, "__float__"):
            result[key] = float(value)
        else:
            result[key] = value
    return result


class CallbackList(Callback):
    """Calls each callback in turn, a `BackupAndRestore` last.

    Parameters
    ----------
    callbacks : list of Callback, optional
        May be nested.
    add_history : bool
        Add a `History` where there is none.
    add_progbar : bool
        Add a `ProgbarLogger` where there is none.
    model : Model, optional
        The model the callbacks are for.
    **params : object
        Given to each callback's `set_params`.

    Examples
    --------
    >>> class Echo(Callback):
    ...     def on_epoch_begin(self, epoch, logs=None):
    ...         print("epoch", epoch)
    >>> callbacks = CallbackList([Echo()], add_history=True)
    >>> callbacks.on_epoch_begin(3)
    epoch 3
    >>> callbacks.wants_batch_events
    False
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks: list[Any] = tree.flatten(callbacks) if callbacks else []
        for callback in self.callbacks:
            if not hasattr(callback, "on_epoch_end"):
                raise TypeError(
                    "`callbacks` must be Callback instances. "
                    f"Received: {callback!r} (of type {type(callback).__name__})"
                )
        self._history = self._first(History)
        if self._history is None and add_history:
            self._history = History()
            self.callbacks.append(self._history)
        self._progbar = self._first(ProgbarLogger)
        if self._progbar is None and add_progbar:
            self._progbar = ProgbarLogger()
            self.callbacks.append(self._progbar)
        self._put_backups_last()
        self.set_model(model)
        self.set_params(params)

    def _first(self, kind: type) -> Any:
        return next((c for c in self.callbacks if isinstance(c, kind)), None)

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        self.callbacks.append(callback)
        self._put_backups_last()

    def _put_backups_last(self) -> None:
        """What is saved is the state after all the others have done their part."""
        self.callbacks.sort(key=lambda callback: isinstance(callback, BackupAndRestore))
        for callback in self.callbacks:
            if isinstance(callback, BackupAndRestore):
                callback.callbacks = self.callbacks

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    @property
    def wants_batch_events(self) -> bool:
        """Whether any callback has to be called at each training batch."""
        return any(getattr(c, "wants_batch_events", True) for c in self.callbacks)

    @property
    def wants_test_batch_events(self) -> bool:
        """Whether any callback has to be called at each batch of an evaluation."""
        return any(getattr(c, "wants_test_batch_events", True) for c in self.callbacks)

    @property
    def wants_predict_batch_events(self) -> bool:
        """Whether any callback has to be called at each batch of a prediction."""
        return any(getattr(c, "wants_predict_batch_events", True) for c in self.callbacks)

    def on_progress(self, step: int, logs: Logs = None) -> None:
        """Draw the progress bar: `step` batches are done, with these metrics.

        The loop calls this about ten times a second while no batch events are sent.
        """
        if self._progbar is not None:
            self._progbar.on_progress(step, python_logs(logs))

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_batch_begin(batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_batch_end(batch, logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_test_batch_begin(batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_test_batch_end(batch, logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs=logs)

    def on_train_begin(self, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_train_begin(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_test_begin(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        logs = python_logs(logs)
        for callback in self.callbacks:
            callback.on_predict_end(logs)
