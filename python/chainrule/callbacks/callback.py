"""The base class of callbacks: a hook for every event of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from chainrule.base.suggestions import Helpful

__all__ = ["Callback"]

Logs = dict[str, Any] | None

_BATCH_HOOKS = {
    "train": ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


class Callback(Helpful):
    """Base class: override the hooks that are of interest.

    `fit` runs whole epochs in the core. A callback that overrides a batch hook makes it come back
    to Python after each batch; one that does not costs nothing.

    Attributes
    ----------
    params : dict
        `"verbose"`, `"epochs"` and `"steps"`, set before training.
    model : Model
        The model that is trained.

    Examples
    --------
    >>> class Losses(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, logs["loss"])
    >>> callback = Losses()
    >>> callback.on_epoch_end(0, {"loss": 0.5})
    0 0.5
    >>> callback.wants_batch_events
    False
    """

    params: dict[str, Any] | None = None
    _model: Any = None

    def __init__(self) -> None:
        super().__init__()

    def set_params(self, params: dict[str, Any]) -> None:
        """Called with the parameters of the run before it begins."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Called with the model before the run begins."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model that `set_model` gave."""
        return self._model

    def _overrides(self, mode: str) -> bool:
        return any(
            name in vars(self) or getattr(type(self), name) is not getattr(Callback, name)
            for name in _BATCH_HOOKS[mode]
        )

    @property
    def wants_batch_events(self) -> bool:
        """Whether `fit` has to call this callback at each training batch."""
        return self._overrides("train")

    @property
    def wants_test_batch_events(self) -> bool:
        """Whether `evaluate` and validation have to call this callback at each batch."""
        return self._overrides("test")

    @property
    def wants_predict_batch_events(self) -> bool:
        """Whether `predict` has to call this callback at each batch."""
        return self._overrides("predict")

    def backup_state(self) -> dict[str, Any]:
        """What `BackupAndRestore` saves of this callback: by name, numbers, strings, arrays, None,
        and lists and dicts of these. Default: nothing."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what `backup_state` gave; called after `on_train_begin` of a resumed run."""

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Called before an epoch of training; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Called after an epoch, with its metrics and those of the validation (`val_...`)."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a training batch; `batch` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a training batch, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch of `evaluate` or of the validation in `fit`."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch of `evaluate` or of the validation in `fit`."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Called after a batch of `predict`, with `{"outputs": ...}`."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Called when `fit` begins."""

    def on_train_end(self, logs: Logs = None) -> None:
        """Called when `fit` ends, with the last epoch's logs."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Called when `evaluate` or a validation begins."""

    def on_test_end(self, logs: Logs = None) -> None:
        """Called when `evaluate` or a validation ends, with its metrics."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Called when `predict` begins."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """Called when `predict` ends."""
