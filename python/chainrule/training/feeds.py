"""Batches on their way to the compiled steps, and the reports that come back."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np

from chainrule import _core, random
from chainrule.callbacks import CallbackList
from chainrule.training.batches import IteratorSource
from chainrule.training.data import ArraySource, check_finite, flat, is_place_in, weigh_classes
from chainrule.training.mapped import MappedRows, cut_batches
from chainrule.training.trace import Programs, Signature, compile_step
from chainrule.utils.remembered import checked, count, optional, seed

__all__ = ["ArrayFeed", "BatchFeed", "Runner", "Ticker", "make_feed"]

# Seconds between two reports of progress, as in the core.
_PROGRESS = 0.05

Source = Any
Tick = Callable[[int], Any]


class Runner:
    """Runs batches of one mode through the model's compiled programs."""

    def __init__(self, model: Any, mode: str) -> None:
        self.model = model
        self.mode = mode
        self._key: Any = None

    def begin(self) -> None:
        """Look at the model: a layer that was frozen, say, needs another program."""
        self._key = self.model._trace_key(self.mode)

    def program(self, batch: Any, rows: int) -> tuple[_core.Program, Any]:
        """The program for batches like this one, and the structure of its outputs."""
        if self._key is None:
            self.begin()
        signature = Signature.of(batch, rows)
        programs: Programs = self.model._programs
        return programs.get(
            (self.mode, signature, self._key),
            lambda: compile_step(self.model, self.mode, batch, signature),
        )

    def one(self, x: Any, y: Any, sample_weight: Any) -> list[Any]:
        """One batch as it is; the outputs of predictions."""
        batch = (x, y, sample_weight)
        leaves = [a for part in batch for a in flat(part) if a is not None]
        program, _ = self.program(batch, len(leaves[0]))
        return program.run(leaves)


class ArrayFeed:
    """Batches of whole arrays: which rows come in which step of which epoch.

    With `steps`, an epoch that ends early leaves the rest of the rows to the next one.
    """

    def __init__(
        self, source: ArraySource, batch_size: int, steps: int | None, shuffle: bool
    ) -> None:
        self.batch = (source.x, source.y, source.sample_weight)
        self.leaves = source.leaves()
        self.rows = source.rows
        self.size = batch_size
        self.steps = steps
        self.shuffle = shuffle
        self.full, self.rest = divmod(source.rows, batch_size)
        self.total = self.full + (self.rest > 0)
        # Batches of this order that the epochs before took, and this epoch.
        self.seen = self.done = 0
        self.seed: int | None = None
        self.order: Any = None

    def _shuffle(self, seed: int | None) -> None:
        self.seed, self.order = seed, None
        if seed is not None:
            self.order = np.random.Generator(np.random.Philox(seed)).permutation(self.rows)

    def backup_state(self) -> dict[str, Any]:
        """The place that the epochs have come to."""
        names = ("rows", "size", "shuffle", "seed", "seen", "done")
        return {name: getattr(self, name) for name in names}

    def restore_state(self, state: dict[str, Any]) -> int:
        """Go on from there, where the data are of the same size; the batches done of the epoch."""
        expected = {"rows": self.rows, "size": self.size, "shuffle": self.shuffle}
        if not is_place_in(expected, {name: state.get(name) for name in expected}):
            return 0
        place = checked("the data", state, {"seed": optional(seed), "seen": count, "done": count})
        if max(place["seen"], place["done"]) > self.total:
            raise ValueError(f"the state of the data: expected a place below {self.total} batches")
        self._shuffle(place["seed"])
        self.seen, self.done = place["seen"], place["done"]
        return self.done

    def prepare(self, runner: Runner) -> bool:
        """Compile what the epochs need: what cannot run fails before a weight moves."""
        if self.full:
            runner.program(self.batch, self.size)
        if self.rest and (self.steps is None or self.steps > self.full):
            runner.program(self.batch, self.rest)
        return True

    def take(self) -> tuple[int, int, int]:
        """Begin an epoch: the number of the first batch, of full batches and of steps."""
        if not self.done:
            if self.steps is None or self.seen >= self.total:
                self.seen = 0
            if self.seen == 0 and self.shuffle:
                self._shuffle(random.make_default_seed())
        first = self.seen
        steps = self.total - first
        if self.steps is not None:
            if self.steps > steps:
                warnings.warn(
                    f"Your input ran out of data: the epoch ends after {steps} of {self.steps} "
                    "steps. Make sure that there are at least `steps_per_epoch * batch_size` rows.",
                    stacklevel=4,
                )
            steps = min(steps, self.steps)
        return first, max(0, min(steps, self.full - first)), steps

    def run(self, runner: Runner, ticker: Ticker) -> int:
        """One epoch, or the rest of one; returns the number of its steps that are done."""
        first, full, steps = self.take()
        tick = ticker.after(steps)
        start = self.done

        def count(n: int) -> Any:
            self.done = start + n
            return tick(self.done)

        if start < steps:
            ticker.begin(start)
        if start < full:
            program, _ = runner.program(self.batch, self.size)
            at, left = (first + start) * self.size, full - start
            ran = self.advance(program, self.size, at, left, [], count, ticker.every)
            if ran < left:
                return start + ran
            start = full
        if start < steps:
            program, _ = runner.program(self.batch, self.rest)
            at = self.full * self.size
            start += self.advance(program, self.rest, at, 1, [], count, ticker.every)
        self.seen += steps
        self.done = 0
        return start

    def advance(
        self,
        program: _core.Program,
        size: int,
        at: int,
        count: int,
        results: list[Any],
        tick: Tick,
        every: bool,
    ) -> int:
        """`count` batches of `size` rows from row `at` on; returns how many are done."""
        leaves = self.leaves
        if not any(isinstance(leaf, MappedRows) for leaf in leaves):
            return program.epoch(leaves, self.order, size, at, count, results, tick, every)
        done, told = 0, time.monotonic()

        def shifted(n: int) -> Any:
            return tick(done + n)

        with closing(cut_batches(leaves, self.order, size, at, count)) as parts:
            for batches, rows in parts:
                targets = [r[done * size : (done + batches) * size] for r in results]
                ran = program.epoch(rows, None, size, 0, batches, targets, shifted, every)
                done += ran
                if ran < batches:
                    break
                if not every and time.monotonic() - told > _PROGRESS:
                    told = time.monotonic()
                    tick(done)
        return done


class BatchFeed:
    """Batches that a generator yields; each is checked before it runs."""

    def __init__(
        self, source: IteratorSource, steps: int | None, class_weight: Any = None
    ) -> None:
        self.source = source
        self.steps = steps
        self.class_weight = class_weight
        self.done = 0
        self._known: set[Signature] = set()

    def backup_state(self) -> dict[str, Any]:
        """The place that the epochs have come to."""
        return {"done": self.done, "source": self.source.backup_state()}

    def restore_state(self, state: dict[str, Any]) -> int:
        """Go on from there, where the source can; the batches done of the epoch."""
        done = checked("the data", state, {"done": count})["done"]
        fits = "source" in state and self.source.restore_state(state["source"], done)
        self.done = done if fits else 0
        return self.done

    def _checked(self, runner: Runner, x: Any, y: Any, weight: Any) -> ArraySource:
        model = runner.model
        for name, part in (("x", x), ("y", y), ("sample_weight", weight)):
            check_finite(part, name, model.non_finite)
        batch = ArraySource(x, y, weight)
        if self.class_weight is not None:
            batch.sample_weight = weigh_classes(y, weight, self.class_weight)
        signature = Signature.of((x, y, weight), batch.rows)
        if signature not in self._known:
            model._ensure_ready(runner.mode, batch)
            self._known.add(signature)
            runner.begin()
        model._check_targets(batch)
        return batch

    def prepare(self, runner: Runner) -> bool:
        """Build the model on the first batch and compile for it; False where there is none."""
        first = self.source.peek()
        if first is None:
            return False
        batch = self._checked(runner, *first)
        runner.program((batch.x, batch.y, batch.sample_weight), batch.rows)
        return True

    def run(self, runner: Runner, ticker: Ticker) -> int:
        """One epoch, or the rest of one; returns the number of its steps that are done."""
        done = self.done
        with closing(self.source.epoch(self.steps, done)) as batches:
            for x, y, weight in batches:
                batch = self._checked(runner, x, y, weight)
                ticker.begin(done)
                runner.one(batch.x, batch.y, batch.sample_weight)
                self.done = done = done + 1
                if ticker(done, last=done == self.steps) is False:
                    break
        if ticker.open:
            ticker(done, last=True)
        self.source.epoch_end()
        self.done = 0
        return done


def make_feed(
    source: Source, batch_size: int, steps: int | None, shuffle: bool, class_weight: Any = None
) -> ArrayFeed | BatchFeed:
    """The feed for a source of either kind."""
    if isinstance(source, ArraySource):
        return ArrayFeed(source, batch_size, steps, shuffle)
    return BatchFeed(source, steps, class_weight)


class Ticker:
    """Turns the core's reports into batch events and progress.

    `outputs` gives what was predicted from one number of batches to another.
    """

    def __init__(
        self,
        callbacks: CallbackList,
        kind: str,
        model: Any,
        outputs: Callable[[int, int], Any] | None = None,
    ) -> None:
        self.every = {
            "train": callbacks.wants_batch_events,
            "test": callbacks.wants_test_batch_events,
            "predict": callbacks.wants_predict_batch_events,
        }[kind]
        self.callbacks = callbacks
        self.kind = kind
        self.model = model
        self.outputs = outputs
        self.told = 0
        self.stride = model.steps_per_execution
        self.open = False
        self._flag = {
            "train": "stop_training",
            "test": "stop_evaluating",
            "predict": "stop_predicting",
        }[kind]

    def begin(self, batch: int = 0) -> None:
        """Batch number `batch` begins; with `steps_per_execution` only every so many tell."""
        if self.every and not self.open:
            self.open = True
            getattr(self.callbacks, f"on_{self.kind}_batch_begin")(batch)

    def __call__(self, done: int, last: bool = False) -> bool | None:
        """`done` batches are done. False stops the loop."""
        if not self.every:
            if self.kind != "predict" or (self.callbacks.params or {}).get("verbose"):
                logs = {} if self.kind == "predict" else self.model.get_metrics_result()
                self.callbacks.on_progress(done, logs)
            return None
        if done % self.stride and not last:
            return None
        if self.outputs is not None:
            logs = {"outputs": self.outputs(self.told, done)}
        else:
            logs = self.model.get_metrics_result()
        self.told = done
        self.open = False
        end = -(-done // self.stride) * self.stride - 1
        getattr(self.callbacks, f"on_{self.kind}_batch_end")(end, logs)
        return False if getattr(self.model, self._flag) else None

    def after(self, steps: int) -> Tick:
        """The tick for the core: ends a batch and begins the next, but not one past `steps`."""

        def tick(done: int) -> bool | None:
            go_on = self(done, last=done >= steps)
            if go_on is not False and done < steps:
                self.begin(done)
            return go_on

        return tick
