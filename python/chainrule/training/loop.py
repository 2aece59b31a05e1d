"""The loops of `fit`, `evaluate` and `predict`: epochs and callbacks here, batches in the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import random, tree
from chainrule.callbacks import CallbackList, History
from chainrule.errors import DataError
from chainrule.training.data import (
    ArraySource,
    IteratorSource,
    check_finite,
    class_weights,
    flat,
    is_batch_iterable,
    split_validation,
    to_arrays,
)
from chainrule.training.trace import Signature, compile_step

Source = Any
Tick = Callable[[int], Any]


def make_source(model: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any = None) -> Source:
    """Arrays or batches, checked.

    Raises
    ------
    DataError, ShapeError, DTypeError, NonFiniteError
        Empty or mismatched arrays, arrays that are not numbers; NaN and infinity where
        `compile(non_finite="raise")` asked for an error.
    """
    if is_batch_iterable(x):
        if y is not None or sample_weight is not None:
            raise DataError(
                "data: expected y and sample_weight to come from the generator, got them as arguments"
            )
        return IteratorSource(x)
    if x is None:
        raise DataError("data: expected x, got None")
    x, y = to_arrays(x, "x"), to_arrays(y, "y")
    weight = to_arrays(sample_weight, "sample_weight")
    check_finite(x, "x", model.non_finite)
    check_finite(y, "y", model.non_finite)
    source = ArraySource(x, y, weight)
    if class_weight is not None:
        if len(flat(y)) != 1:
            raise DataError("class_weight: expected a model with one target")
        by_class = class_weights(flat(y)[0], class_weight)
        source.sample_weight = by_class if weight is None else weight * by_class
    return source


class Runner:
    """Runs batches of one mode through the model's compiled programs."""

    def __init__(self, model: Any, mode: str) -> None:
        self.model = model
        self.mode = mode

    def program(self, batch: Any, rows: int) -> tuple[Any, Any]:
        """The program for batches like this one, and the structure of its outputs."""
        signature = Signature.of(batch, rows)
        key = (self.mode, signature, self.model._trace_key(self.mode))
        return self.model._programs.get(  # type: ignore[no-any-return]
            key, lambda: compile_step(self.model, self.mode, batch, signature)
        )

    def arrays(
        self, source: ArraySource, order: Any, size: int, steps: int, tick: Tick, every: bool
    ) -> int:
        """`steps` batches of `size` rows of whole arrays, the last one perhaps short."""
        batch = (source.x, source.y, source.sample_weight)
        leaves = source.leaves()
        full = min(steps, source.rows // size)
        done = 0
        if full:
            program, _ = self.program(batch, size)
            done = program.epoch(leaves, order, size, 0, full, [], tick, every)
            if done < full:
                return done
        rest = source.rows - full * size
        if done < steps and rest:
            program, _ = self.program(batch, rest)
            shifted = None if tick is None else (lambda n: tick(done + n))
            done += program.epoch(leaves, order, rest, full * size, 1, [], shifted, every)
        return done

    def one(self, x: Any, y: Any, sample_weight: Any) -> list[Any]:
        """One batch as it is; the outputs of predictions."""
        batch = (x, y, sample_weight)
        leaves = [a for part in batch for a in flat(part)]
        program, _ = self.program(batch, len(leaves[0]))
        return program.run(leaves)  # type: ignore[no-any-return]


class Ticker:
    """Turns the core's reports into batch events and progress."""

    def __init__(self, callbacks: CallbackList, kind: str, model: Any) -> None:
        self.every = {
            "train": callbacks.wants_batch_events,
            "test": callbacks.wants_test_batch_events,
            "predict": callbacks.wants_predict_batch_events,
        }[kind]
        self.callbacks = callbacks
        self.kind = kind
        self.model = model
        self.begun = 0
        self.ended = 0

    def begin(self) -> None:
        """The next batch begins."""
        if self.every:
            getattr(self.callbacks, f"on_{self.kind}_batch_begin")(self.begun)
            self.begun += 1

    def __call__(self, done: int) -> bool | None:
        """`done` batches are done. False stops the loop."""
        logs = {} if self.kind == "predict" else self.model.get_metrics_result()
        if not self.every:
            self.callbacks.on_progress(done, logs)
            return None
        getattr(self.callbacks, f"on_{self.kind}_batch_end")(self.ended, logs)
        self.ended += 1
        return False if self.model.stop_training and self.kind == "train" else None

    def after(self, steps: int) -> Tick:
        """The tick for the core: ends a batch and begins the next, but not one past `steps`."""

        def tick(done: int) -> bool | None:
            go_on = self(done)
            if go_on is not False and done < steps:
                self.begin()
            return go_on

        return tick


def run_epoch(
    runner: Runner,
    source: Source,
    batch_size: int,
    steps: int | None,
    shuffle: bool,
    callbacks: CallbackList,
    class_weight: Any = None,
) -> int:
    """One pass; returns the number of batches."""
    ticker = Ticker(callbacks, runner.mode, runner.model)
    if isinstance(source, ArraySource):
        total = -(-source.rows // batch_size)
        steps = total if steps is None else min(steps, total)
        order = None
        if shuffle:
            generator = np.random.Generator(np.random.Philox(random.make_default_seed()))
            order = generator.permutation(source.rows)
        ticker.begin()
        return runner.arrays(source, order, batch_size, steps, ticker.after(steps), ticker.every)
    done = 0
    for x, y, weight in source.epoch(steps):
        for name, part in (("x", x), ("y", y)):
            check_finite(part, name, runner.model.non_finite)
        batch = ArraySource(x, y, weight)
        if class_weight is not None:
            by_class = class_weights(flat(y)[0], class_weight)
            batch.sample_weight = by_class if weight is None else weight * by_class
        runner.model._ensure_ready(runner.mode, batch)
        ticker.begin()
        runner.one(batch.x, batch.y, batch.sample_weight)
        done += 1
        if ticker(done) is False:
            break
    return done


def fit(
    model: Any,
    source: Source,
    *,
    batch_size: int,
    epochs: int,
    verbose: Any,
    callbacks: Any,
    validation: tuple[Source, int, int | None] | None,
    validation_freq: Any,
    shuffle: bool,
    initial_epoch: int,
    steps_per_epoch: int | None,
    class_weight: Any,
) -> History:
    """Train for `epochs - initial_epoch` epochs and return what was recorded."""
    runner = Runner(model, "train")
    if not isinstance(callbacks, CallbackList):
        callbacks = CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=model,
            verbose=verbose,
            epochs=epochs,
            steps=_steps(source, batch_size, steps_per_epoch),
        )
    model.stop_training = False
    callbacks.on_train_begin()
    initial_epoch = model._initial_epoch or initial_epoch
    logs: dict[str, Any] = {}
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        done = run_epoch(
            runner, source, batch_size, steps_per_epoch, shuffle, callbacks, class_weight
        )
        if done == 0:
            raise DataError("fit: expected at least one batch, got an empty generator")
        logs = dict(model.get_metrics_result())
        if isinstance(source, IteratorSource):
            source.epoch_end()
        if validation is not None and _validates(epoch, validation_freq):
            val_source, val_batch, val_steps = validation
            found = evaluate(
                model, val_source, batch_size=val_batch, steps=val_steps, callbacks=callbacks
            )
            logs.update({f"val_{name}": value for name, value in found.items()})
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    if model.optimizer is not None:
        model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    model._initial_epoch = None
    history: History = model.history
    return history


def _validates(epoch: int, validation_freq: Any) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def _steps(source: Source, batch_size: int, steps: int | None) -> int | None:
    if steps is not None or not isinstance(source, ArraySource):
        return steps if steps is not None else source.steps
    return -(-source.rows // batch_size)


def evaluate(
    model: Any, source: Source, *, batch_size: int, steps: int | None, callbacks: CallbackList
) -> dict[str, Any]:
    """Loss and metrics over the data, without changing a weight."""
    callbacks.on_test_begin()
    model.reset_metrics()
    done = run_epoch(Runner(model, "test"), source, batch_size, steps, False, callbacks)
    if done == 0:
        raise DataError("evaluate: expected at least one batch, got an empty generator")
    logs = dict(model.get_metrics_result())
    callbacks.on_test_end(logs)
    return logs


def predict(
    model: Any, source: Source, *, batch_size: int, steps: int | None, callbacks: CallbackList
) -> Any:
    """The model's outputs for every row."""
    runner = Runner(model, "predict")
    ticker = Ticker(callbacks, "predict", model)
    callbacks.on_predict_begin()
    if isinstance(source, ArraySource):
        result = _predict_arrays(runner, source, batch_size, steps, ticker)
    else:
        batches: list[Any] = []
        for x, _, _ in source.epoch(steps):
            ArraySource(x, None, None)
            ticker.begin()
            leaves = flat(x)
            program, structure = runner.program((x, None, None), len(leaves[0]))
            batches.append(tree.pack_sequence_as(structure, program.run(leaves)))
            ticker(len(batches))
        if not batches:
            raise DataError("predict: expected at least one batch, got an empty generator")
        result = tree.map_structure(lambda *parts: np.concatenate(parts), *batches)
    callbacks.on_predict_end()
    return result


def _predict_arrays(
    runner: Runner, source: ArraySource, batch_size: int, steps: int | None, ticker: Ticker
) -> Any:
    batch = (source.x, None, None)
    leaves = flat(source.x)
    total = -(-source.rows // batch_size)
    steps = total if steps is None else min(steps, total)
    rows = min(source.rows, steps * batch_size)
    full, rest = divmod(rows, batch_size)
    size = batch_size if full else rest
    program, structure = runner.program(batch, size)
    specs = tree.flatten(structure)
    for spec in specs:
        if spec.shape[:1] != (size,):
            raise DataError(
                f"predict: expected outputs of {size} rows as the inputs have, got {spec.shape}"
            )
    results = [
        np.empty((rows, *s.shape[1:]), "uint8" if s.dtype == "bool" else s.dtype) for s in specs
    ]
    ticker.begin()
    tick = ticker.after(steps)
    if full:
        heads = [r[: full * batch_size] for r in results]
        program.epoch(leaves, None, batch_size, 0, full, heads, tick, ticker.every)
    if rest:
        program, _ = runner.program(batch, rest)
        tails = [r[full * batch_size :] for r in results]
        program.epoch(
            leaves, None, rest, full * batch_size, 1, tails, lambda n: tick(full + n), ticker.every
        )
    results = [r.astype(bool) if s.dtype == "bool" else r for r, s in zip(results, specs)]
    return tree.pack_sequence_as(structure, results)
