"""A diagnosis of the network while it is trained."""

from __future__ import annotations

from typing import Any

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.io import print_msg

__all__ = ["Diagnosis"]


class Diagnosis(Callback):
    """Runs `model.diagnose` before, during and after training, on the data of `fit`.

    What it looks at changes nothing: weights and seeds are, to the last bit, those of a training
    without it.

    Parameters
    ----------
    x, y : arrays or structures of them, optional
        What to look at. Default: the data of `fit`, of a generator its first batch.
    every : int, optional
        Also after every so many epochs. Default: before the first and after the last only.
    batches : int
        How many steps are looked at each time. Default 8.
    verbose : int
        1 prints each finding when it is first made. Default 0.

    Attributes
    ----------
    reports : dict
        By the number of epochs done, what `diagnose` gave.
    report : DiagnosisReport, optional
        The latest, which knows the losses of all epochs and the validation data.

    Raises
    ------
    ValueError
        `every` or `batches` below 1; during training, a generator without batches.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = 1000 * np.random.default_rng(0).normal(size=(64, 4))
    >>> diagnosis = Diagnosis()
    >>> history = model.fit(x, x[:, 0] > 0, epochs=2, verbose=0, callbacks=[diagnosis])
    >>> [finding.kind for finding in diagnosis.report.findings]
    ['unscaled_inputs']
    """

    def __init__(
        self,
        x: Any = None,
        y: Any = None,
        every: int | None = None,
        batches: int = 8,
        verbose: int = 0,
    ) -> None:
        super().__init__()
        for name, value in (("every", every), ("batches", batches)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"Diagnosis: expected {name} to be 1 or more, got {value!r}")
        self.x = x
        self.y = y
        self.every = every
        self.batches = batches
        self.verbose = verbose
        self.reports: dict[int, Any] = {}
        self.report: Any = None
        self._data: tuple[Any, Any, Any] = (x, y, None)
        self._held_out: Any = None
        self._curves: dict[str, list[float]] = {}
        self._done = 0
        self._said: set[tuple[str, str]] = set()

    def on_train_begin(self, logs: Logs = None) -> None:
        feeds = self.model._training.feeds
        self.reports, self.report, self._curves, self._said = {}, None, {}, set()
        self._done = 0
        self._data = (self.x, self.y, None) if self.x is not None else _data_of(feeds["train"])
        held = feeds.get("validation")
        self._held_out = getattr(held, "batch", (None,))[:2] if held is not None else None
        self._look()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._done += 1
        for name, value in (logs or {}).items():
            self._curves.setdefault(name, []).append(value)
        if self.every is not None and self._done % self.every == 0:
            self._look()

    def on_train_end(self, logs: Logs = None) -> None:
        if self._done not in self.reports:
            self._look()

    def _look(self) -> None:
        x, y, weight = self._data
        held = self._held_out
        self.report = self.reports[self._done] = self.model.diagnose(
            x,
            y,
            weight,
            validation_data=held if held is not None and held[0] is not None else None,
            history=self._curves,
            batches=self.batches,
        )
        for finding in self.report.findings:
            key = (finding.kind, finding.layer)
            if self.verbose and key not in self._said:
                print_msg(f"\nDiagnosis after {self._done} epochs: {finding}")
            self._said.add(key)


def _data_of(feed: Any) -> tuple[Any, Any, Any]:
    """All rows of arrays, or the first batch of a generator."""
    batch = feed.batch if hasattr(feed, "batch") else feed.source.peek()
    if batch is None:
        raise ValueError("Diagnosis: expected at least one batch, got an empty generator")
    x, y, weight = batch
    return x, y, weight
