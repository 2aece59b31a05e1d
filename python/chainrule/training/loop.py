"""The loops of `fit`, `evaluate` and `predict`: epochs and callbacks here, batches in the core."""

from __future__ import annotations

import warnings
from contextlib import closing
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.errors import DataError
from chainrule.callbacks import CallbackList, History
from chainrule.training.data import ArraySource, check_finite, flat
from chainrule.training.feeds import ArrayFeed, BatchFeed, Runner, Source, Ticker

__all__ = ["evaluate", "fit", "predict"]

_NO_VALIDATION = (
    "Your validation data ran out: training goes on without validation from epoch {} on. A "
    "generator must yield batches for each validation, or be an iterable that starts again."
)


def fit(
    model: Any,
    feed: ArrayFeed | BatchFeed,
    callbacks: CallbackList,
    *,
    epochs: int,
    initial_epoch: int,
    validation: ArrayFeed | BatchFeed | None,
    validation_freq: Any,
) -> History:
    """Train for `epochs - initial_epoch` epochs and return what was recorded."""
    runner, tester = Runner(model, "train"), Runner(model, "test")
    feed.prepare(runner)
    if validation is not None and not validation.prepare(tester):
        raise DataError("validation_data: expected at least one batch, got an empty generator")
    model.stop_training = False
    feeds = {"train": feed} if validation is None else {"train": feed, "validation": validation}
    model.__dict__["_feeds"] = feeds
    try:
        callbacks.on_train_begin()
        initial_epoch = model._initial_epoch or initial_epoch
        logs: dict[str, Any] = {}
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            runner.begin()
            if feed.run(runner, Ticker(callbacks, "train", model)) == 0:
                if epoch == initial_epoch:
                    raise DataError("fit: expected at least one batch, got an empty generator")
                warnings.warn(
                    f"Your input ran out of data: training ends before epoch {epoch + 1} of "
                    f"{epochs}.",
                    stacklevel=3,
                )
                break
            logs = dict(model.get_metrics_result())
            if validation is not None and _validates(epoch, validation_freq):
                found = _test(tester, validation, callbacks)
                if found is None:
                    validation = None
                    warnings.warn(_NO_VALIDATION.format(epoch + 1), stacklevel=3)
                else:
                    logs.update({f"val_{name}": value for name, value in found.items()})
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:
        model._initial_epoch = model.__dict__["_feeds"] = None
    if model.optimizer is not None and epochs > initial_epoch:
        model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    history: History = model.history
    return history


def _validates(epoch: int, validation_freq: Any) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def evaluate(
    runner: Runner, feed: ArrayFeed | BatchFeed, callbacks: CallbackList
) -> dict[str, Any]:
    """Loss and metrics over the data, without changing a weight."""
    logs = _test(runner, feed, callbacks)
    if logs is None:
        raise DataError("evaluate: expected at least one batch, got an empty generator")
    return logs


def _test(
    runner: Runner, feed: ArrayFeed | BatchFeed, callbacks: CallbackList
) -> dict[str, Any] | None:
    """Loss and metrics over the data, None where no batch came."""
    model = runner.model
    model.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    runner.begin()
    if isinstance(feed, ArrayFeed):
        feed.seen = 0
    steps = feed.run(runner, Ticker(callbacks, "test", model))
    logs = dict(model.get_metrics_result()) if steps else None
    callbacks.on_test_end(logs or {})
    return logs


def predict(
    model: Any, source: Source, *, batch_size: int, steps: int | None, callbacks: CallbackList
) -> Any:
    """The model's outputs for every row."""
    runner = Runner(model, "predict")
    model.stop_predicting = False
    if isinstance(source, ArraySource):
        feed = ArrayFeed(source, batch_size, steps, False)
        feed.prepare(runner)
        callbacks.on_predict_begin()
        result = _predict_arrays(runner, feed, callbacks)
    else:
        feed_of_batches = BatchFeed(source, steps)
        feed_of_batches.prepare(runner)
        callbacks.on_predict_begin()
        result = _predict_batches(runner, source, steps, callbacks)
    callbacks.on_predict_end()
    return result


def _predict_batches(
    runner: Runner, source: Source, steps: int | None, callbacks: CallbackList
) -> Any:
    batches: list[Any] = []
    structure: Any = None

    def outputs(first: int, last: int) -> Any:
        joined = [np.concatenate(parts) for parts in zip(*batches[first:last])]
        return tree.pack_sequence_as(structure, joined)

    ticker = Ticker(callbacks, "predict", runner.model, outputs)
    with closing(source.epoch(steps)) as given:
        for x, _, _ in given:
            check_finite(x, "x", runner.model.non_finite)
            ArraySource(x, None, None)
            ticker.begin(len(batches))
            leaves = flat(x)
            program, structure = runner.program((x, None, None), len(leaves[0]))
            batches.append(program.run(leaves))
            if ticker(len(batches)) is False:
                break
    if ticker.open:
        ticker(len(batches), last=True)
    source.epoch_end()
    if not batches:
        raise DataError("predict: expected at least one batch, got an empty generator")
    return outputs(0, len(batches))


def _predict_arrays(runner: Runner, feed: ArrayFeed, callbacks: CallbackList) -> Any:
    _, full, steps = feed.take()
    rows = min(feed.rows, steps * feed.size)
    size = feed.size if full else feed.rest
    program, structure = runner.program(feed.batch, size)
    specs = tree.flatten(structure)
    for spec in specs:
        if spec.shape[:1] != (size,):
            raise DataError(
                f"predict: expected outputs of {size} rows as the inputs have, got {spec.shape}"
            )
    results = [
        np.empty((rows, *s.shape[1:]), "uint8" if s.dtype == "bool" else s.dtype) for s in specs
    ]

    def outputs(first: int, last: int) -> Any:
        cut = results
        if last - first < steps:
            cut = [r[first * feed.size : last * feed.size] for r in results]
        cut = [r.astype(bool) if s.dtype == "bool" else r for r, s in zip(cut, specs)]
        return tree.pack_sequence_as(structure, cut)

    ticker = Ticker(callbacks, "predict", runner.model, outputs)
    ticker.begin()
    tick = ticker.after(steps)
    at = full * feed.size
    done = 0
    if full:
        heads = [r[:at] for r in results]
        done = feed.advance(program, size, 0, full, heads, tick, ticker.every)
    if full < steps and done == full:
        program, _ = runner.program(feed.batch, feed.rest)
        tails = [r[at:] for r in results]

        def shifted(n: int) -> Any:
            return tick(full + n)

        done += feed.advance(program, feed.rest, at, 1, tails, shifted, ticker.every)
    return outputs(0, done)
