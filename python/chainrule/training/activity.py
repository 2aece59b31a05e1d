"""Which calls change a model now: those of one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Activity"]


class Activity:
    """The calls that change a model's weights or metrics and run now.

    All are of one thread: a callback may call `evaluate` within `fit`. `predict` changes nothing
    and is none of them.

    Examples
    --------
    >>> activity = Activity()
    >>> with activity.running("net", "fit"):
    ...     with activity.running("net", "evaluate"):
    ...         activity.calls
    ['fit', 'evaluate']
    >>> activity.calls
    []
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.calls: list[str] = []

    @contextmanager
    def running(self, model: str, call: str) -> Iterator[None]:
        """While the block runs, no other thread may begin a call, and none begins `fit`.

        Parameters
        ----------
        model, call : str
            The names of the model and of the method.

        Raises
        ------
        RuntimeError
            Where another thread's call runs, or `fit` is called within one of this thread's.
        """
        entered = False
        try:
            with self._lock:
                self._check(model, call)
                self._thread = threading.current_thread()
                self.calls.append(call)
                entered = True
            yield
        finally:
            if entered:
                with self._lock:
                    self.calls.remove(call)

    def _check(self, model: str, call: str) -> None:
        if not self.calls or self._thread is None:
            return
        running = " within ".join(f"{name}()" for name in reversed(self.calls))
        if self._thread is not threading.current_thread():
            raise RuntimeError(
                f"model '{model}': {call}() expected a model that no other thread trains or "
                f"evaluates, got one whose {running} runs in thread '{self._thread.name}'; wait "
                "for it, or give each thread a model of its own (`copy.deepcopy(model)`)"
            )
        if call == "fit":
            raise RuntimeError(
                f"model '{model}': fit() cannot begin within {running} of the same model, as from "
                "a callback; `train_on_batch`, `evaluate` and `predict` can"
            )
