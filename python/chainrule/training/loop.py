"""The loops of `fit`, `evaluate` and `predict`: epochs and events; a `Runner` does the steps."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule.base.errors import DataError
from chainrule.callbacks import CallbackList, History
from chainrule.training.events import Ticker
from chainrule.training.feeds import Feed
from chainrule.training.runner import Outputs, Runner

__all__ = ["evaluate", "fit", "predict"]

_NO_VALIDATION = (
    "Your validation data ran out: training goes on without validation from epoch {} on. A "
    "generator must yield batches for each validation, or be an iterable that starts again."
)


def fit(
    model: Any,
    feed: Feed,
    callbacks: CallbackList,
    *,
    epochs: int,
    initial_epoch: int,
    validation: Feed | None,
    validation_freq: Any,
    class_weight: dict[int, float] | None,
) -> History:
    """Train for `epochs - initial_epoch` epochs and return what was recorded."""
    runner, tester = Runner(model, "train", class_weight), Runner(model, "test")
    runner.prepare(feed)
    if validation is not None and not tester.prepare(validation):
        raise DataError("validation_data: expected at least one batch, got an empty generator")
    model.stop_training = False
    state = model._training
    state.feeds = {"train": feed}
    if validation is not None:
        state.feeds["validation"] = validation
    try:
        callbacks.on_train_begin()
        initial_epoch = state.initial_epoch or initial_epoch
        logs: dict[str, Any] = {}
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            runner.begin()
            if runner.epoch(feed, Ticker(callbacks, "train", model, runner.logs)) == 0:
                if epoch == initial_epoch:
                    raise DataError("fit: expected at least one batch, got an empty generator")
                warnings.warn(
                    f"Your input ran out of data: training ends before epoch {epoch + 1} of "
                    f"{epochs}.",
                    stacklevel=4,
                )
                break
            logs = dict(runner.logs())
            if validation is not None and _validates(epoch, validation_freq):
                found = _test(tester, validation, callbacks)
                if found is None:
                    validation = None
                    warnings.warn(_NO_VALIDATION.format(epoch + 1), stacklevel=4)
                else:
                    logs.update({f"val_{name}": value for name, value in found.items()})
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:
        state.end_fit()
    if model.optimizer is not None and epochs > initial_epoch:
        model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    history: History = model.history
    return history


def _validates(epoch: int, validation_freq: Any) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def evaluate(model: Any, feed: Feed, callbacks: CallbackList) -> dict[str, Any]:
    """Loss and metrics over the data, without changing a weight."""
    runner = Runner(model, "test")
    runner.prepare(feed)
    logs = _test(runner, feed, callbacks)
    if logs is None:
        raise DataError("evaluate: expected at least one batch, got an empty generator")
    return logs


def _test(runner: Runner, feed: Feed, callbacks: CallbackList) -> dict[str, Any] | None:
    """Loss and metrics over the data, None where no batch came."""
    model = runner.model
    model.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    runner.begin()
    feed.restart()
    steps = runner.epoch(feed, Ticker(callbacks, "test", model, runner.logs))
    logs = dict(runner.logs()) if steps else None
    callbacks.on_test_end(logs or {})
    return logs


def predict(model: Any, feed: Feed, callbacks: CallbackList) -> Any:
    """The model's outputs for every row."""
    runner, outputs = Runner(model, "predict"), Outputs()
    model.stop_predicting = False
    runner.prepare(feed)
    callbacks.on_predict_begin()
    ticker = Ticker(callbacks, "predict", model, runner.logs, outputs.between)
    done = runner.epoch(feed, ticker, outputs)
    if not done:
        raise DataError("predict: expected at least one batch, got an empty generator")
    result = outputs.between(0, done)
    callbacks.on_predict_end()
    return result
