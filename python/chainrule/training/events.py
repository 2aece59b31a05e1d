"""Events of batches, and progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.callbacks import CallbackList

__all__ = ["Ticker"]

# What callbacks say of the events they want, and what they set in the model to end the loop.
_NAMES = {
    "train": ("wants_batch_events", "stop_training"),
    "test": ("wants_test_batch_events", "stop_evaluating"),
    "predict": ("wants_predict_batch_events", "stop_predicting"),
}


class Ticker:
    """Turns reports of batches that are done into events and progress.

    Parameters
    ----------
    callbacks : CallbackList
    mode : {"train", "test", "predict"}
    model : Model
    logs : callable
        Gives what is told of the batches that are done.
    outputs : callable, optional
        Gives what was predicted from one number of batches to another.

    Attributes
    ----------
    every : bool
        Whether a callback wants the events of batches; else progress is told now and then.
    """

    def __init__(
        self,
        callbacks: CallbackList,
        mode: str,
        model: Any,
        logs: Callable[[], dict[str, Any]],
        outputs: Callable[[int, int], Any] | None = None,
    ) -> None:
        wanted, flag = _NAMES[mode]
        self.every: bool = getattr(callbacks, wanted)
        self._callbacks = callbacks
        self._mode = mode
        self._model = model
        self._logs = logs
        self._outputs = outputs
        self._told = 0
        self._stride = model.steps_per_execution
        self._is_open = False
        self._flag = flag

    def begin(self, batch: int) -> None:
        """Batch number `batch` begins; with `steps_per_execution` only every so many tell."""
        if self.every and not self._is_open:
            self._is_open = True
            getattr(self._callbacks, f"on_{self._mode}_batch_begin")(batch)

    def tell(self, done: int, last: bool = False) -> bool:
        """`done` batches are done, with the `last` all; whether to go on."""
        if not self.every:
            if self._mode != "predict" or (self._callbacks.params or {}).get("verbose"):
                logs = {} if self._mode == "predict" else self._logs()
                self._callbacks.on_progress(done, logs)
            return True
        if done % self._stride and not last:
            return True
        if self._outputs is not None:
            logs = {"outputs": self._outputs(self._told, done)}
        else:
            logs = self._logs()
        self._told = done
        self._is_open = False
        end = -(-done // self._stride) * self._stride - 1
        getattr(self._callbacks, f"on_{self._mode}_batch_end")(end, logs)
        return not getattr(self._model, self._flag)

    def end(self, done: int) -> None:
        """No batch comes any more: what has begun ends."""
        if self._is_open:
            self.tell(done, last=True)
