"""Pieces of data through the compiled steps of a model."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import tree
from chainrule.base.errors import DataError
from chainrule.tracing.arrays import engine_dtype, storage_dtype
from chainrule.training.data import ArraySource, check_finite, flat, weigh_classes
from chainrule.training.events import Ticker
from chainrule.training.feeds import ArrayFeed, Feed, Piece
from chainrule.training.own_steps import StepLogs
from chainrule.training.trace import OutputSpec, Programs, Signature, compile_step

__all__ = ["Outputs", "Runner", "check_rows", "packed"]

Array = NDArray[Any]


class Outputs:
    """What is predicted: the core writes it where it is to stay.

    Attributes
    ----------
    rows, size : int or None
        Of all that is predicted, and of a batch, where that is known before.
    """

    def __init__(self) -> None:
        self.rows: int | None = None
        self.size = 0
        self._structure: Any = None
        self._specs: list[OutputSpec] = []
        # The arrays of all rows, and how many rows have a place in them; or those of each batch.
        self._whole: list[Array] = []
        self._placed = 0
        self._parts: list[list[Array]] = []

    def room(self, structure: Any, piece: Piece) -> list[Array]:
        """Where the outputs of a piece go.

        Raises
        ------
        DataError
            Outputs of another number of rows than the inputs.
        """
        self._structure = structure
        self._specs = tree.flatten(structure)
        if self.rows is None:
            self._parts.append([_empty(spec, spec.shape) for spec in self._specs])
            return self._parts[-1]
        check_rows(self._specs, piece.size)
        if not self._whole:
            self._whole = [_empty(spec, (self.rows, *spec.shape[1:])) for spec in self._specs]
        start = self._placed
        self._placed += piece.count * piece.size
        return [array[start : self._placed] for array in self._whole]

    def between(self, first: int, last: int) -> Any:
        """The outputs of batch number `first` to before `last`, in the model's structure."""
        if self.rows is None:
            found = [np.concatenate(parts) for parts in zip(*self._parts[first:last])]
        elif first == 0 and last * self.size >= self.rows:
            found = self._whole
        else:
            found = [array[first * self.size : last * self.size] for array in self._whole]
        return packed(self._structure, self._specs, found)


def check_rows(specs: list[OutputSpec], rows: int) -> None:
    """Refuse outputs of another number of rows than the inputs, which `predict` cannot join.

    Raises
    ------
    DataError
    """
    for spec in specs:
        if spec.shape[:1] != (rows,):
            raise DataError(
                f"predict: expected outputs of {rows} rows as the inputs have, got {spec.shape}"
            )


def _empty(spec: OutputSpec, shape: tuple[int, ...]) -> Array:
    dtype = engine_dtype(spec.dtype)
    return np.empty(shape, "uint8" if dtype == "bool" else dtype)


def packed(structure: Any, specs: list[OutputSpec], arrays: list[Array]) -> Any:
    """What the core gave, in the structure and the dtypes of the model's outputs."""
    typed = [a.astype(storage_dtype(s.dtype), copy=False) for a, s in zip(arrays, specs)]
    return tree.pack_sequence_as(structure, typed)


class Runner:
    """Runs data through the model's compiled programs, in one mode.

    Parameters
    ----------
    model : Model
    mode : {"train", "test", "predict"}
    class_weight : dict, optional
        Weight by class number of the batches that come from a generator.
    """

    def __init__(
        self, model: Any, mode: str, class_weight: dict[int, float] | None = None
    ) -> None:
        self.model = model
        self.mode = mode
        self._class_weight = class_weight
        self._known: set[Signature] = set()
        self._key: Any = None
        # The program of whole arrays by their number of rows a step, since the last look.
        self._prepared: dict[int, tuple[_core.Program, Any]] = {}
        self._logs: StepLogs | None = None

    def begin(self) -> Any:
        """Look at the model: a layer that was frozen, say, needs another program.

        Returns what tells such models apart.
        """
        key = self.model._trace_key(self.mode)
        if key != self._key:
            self._key = key
            self._prepared.clear()
        return key

    def program(self, batch: Any, rows: int) -> tuple[_core.Program, Any]:
        """The program for batches like this one, and the structure of its outputs or its logs."""
        if self._key is None:
            self.begin()
        signature = Signature.of(batch, rows)
        programs: Programs = self.model._training.programs
        made = False

        def make() -> tuple[_core.Program, Any]:
            nonlocal made
            made = True
            return compile_step(self.model, self.mode, batch, signature)

        key = self._key
        found = programs.get((self.mode, signature, key), make)
        if made and self.model._has_own_step(self.mode) and self.begin() != key:
            # A step of the model's own may make layers and variables while it is traced.
            programs.get((self.mode, signature, self._key), lambda: found)
        return found

    def logs(self) -> dict[str, Any]:
        """The metrics' results, or what the latest step of the model's own returned."""
        if self._logs is not None:
            return self._logs.read()
        found: dict[str, Any] = self.model.get_metrics_result()
        return found

    def _program_of(self, piece: Piece, given: Piece) -> tuple[_core.Program, Any]:
        """The program of a piece as it was checked; of whole arrays it is looked up once."""
        if piece is not given:
            return self.program(piece.batch, piece.size)
        if self._key is None:
            self.begin()
        found = self._prepared.get(piece.size)
        if found is None:
            found = self._prepared[piece.size] = self.program(piece.batch, piece.size)
        return found

    def one(self, x: Any, y: Any, sample_weight: Any) -> None:
        """One batch as it is, of which nothing is predicted."""
        batch = (x, y, sample_weight)
        leaves = [a for part in batch for a in flat(part) if a is not None]
        program, self._logs = self.program(batch, len(leaves[0]))
        program.run(leaves)

    def prepare(self, feed: Feed) -> bool:
        """Compile what the epochs need: what cannot run fails before a weight moves.

        False where there is no batch.
        """
        found = False
        for piece in feed.samples():
            self._program_of(self._checked(piece), piece)
            found = True
        return found

    def _checked(self, piece: Piece) -> Piece:
        """A batch that has just come: looked at, and the model made ready for its like."""
        if piece.is_checked:
            return piece
        model = self.model
        x, y, weight = piece.batch if self.mode != "predict" else (piece.batch[0], None, None)
        for name, part in (("x", x), ("y", y), ("sample_weight", weight)):
            check_finite(part, name, model.non_finite)
        batch = ArraySource(x, y, weight)
        if self._class_weight is not None:
            batch.sample_weight = weigh_classes(y, weight, self._class_weight)
        signature = Signature.of((x, y, weight), batch.rows)
        if signature not in self._known:
            model._ensure_ready(self.mode, batch)
            self._known.add(signature)
            self.begin()
        if self.mode != "predict":
            model._check_targets(self.mode, batch)
        return replace(
            piece,
            batch=(batch.x, batch.y, batch.sample_weight),
            leaves=batch.leaves(),
            size=batch.rows,
        )

    def epoch(self, feed: Feed, ticker: Ticker, outputs: Outputs | None = None) -> int:
        """One epoch, or the rest of one; returns the number of its steps that are done."""
        steps = feed.begin()
        start = end = feed.done
        goes_on, told = True, time.monotonic()

        def tick(n: int) -> bool:
            """Takes the core's report: `n` of the batches from number `start` to `end` are done."""
            nonlocal goes_on
            feed.done = start + n
            goes_on = ticker.tell(feed.done, last=feed.done == steps)
            if goes_on and feed.done < end:
                ticker.begin(feed.done)
            return goes_on

        if outputs is not None and isinstance(feed, ArrayFeed) and steps is not None:
            outputs.rows, outputs.size = min(feed.rows, steps * feed.size), feed.size
        with closing(feed.pieces()) as pieces:
            for given in pieces:
                piece = self._checked(given)
                program, structure = self._program_of(piece, given)
                start, end = feed.done, feed.done + piece.count
                ticker.begin(start)
                if outputs is None:
                    self._logs = structure
                results = [] if outputs is None else outputs.room(structure, piece)
                feed.done = start + program.epoch(
                    piece.leaves,
                    piece.order,
                    piece.size,
                    piece.at,
                    piece.count,
                    results,
                    # Of a single batch whose events nobody wants, the core has nothing to tell.
                    tick if ticker.every or piece.pace else None,
                    ticker.every,
                )
                if not goes_on:
                    break
                if not ticker.every and time.monotonic() - told >= piece.pace:
                    told = time.monotonic()
                    ticker.tell(feed.done, last=feed.done == steps)
        done = feed.done
        ticker.end(done)
        feed.end()
        return done
