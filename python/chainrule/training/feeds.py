"""Data cut into pieces, each of which the core runs in one call."""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import random
from chainrule.training.batches import IteratorSource
from chainrule.training.data import ArraySource, is_place_in
from chainrule.training.mapped import MappedRows, cut_batches
from chainrule.utils.remembered import checked, count, optional, seed

__all__ = ["ArrayFeed", "BatchFeed", "Feed", "Piece", "make_feed"]

# Seconds between two reports of progress, as in the core.
_PROGRESS = 0.05


@dataclass(slots=True)
class Piece:
    """Batches that lie in one place.

    Attributes
    ----------
    batch : tuple
        x, y and the weights of the rows, in the structures that the model knows; their shapes
        after the first axis and their dtypes count.
    leaves : list of array
        What the core takes.
    size : int
        Rows a batch.
    count : int
        Batches.
    at : int
        The first row.
    order : array, optional
        The rows to take; without it all in their order.
    pace : float
        Seconds after which progress is told at the end of the piece; of those that take longer,
        the core tells.
    is_checked : bool
        Whether shapes, labels and finite numbers have been looked at.
    """

    batch: tuple[Any, Any, Any]
    leaves: list[Any]
    size: int
    count: int
    at: int = 0
    order: Any = None
    pace: float = math.inf
    is_checked: bool = True


class ArrayFeed:
    """Whole arrays: which rows come in which step of which epoch.

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
        # Batches of this order that the epochs before took, and this epoch, of how many.
        self.seen = self.done = 0
        self._now = 0
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

    def samples(self) -> Iterator[Piece]:
        """A piece of each kind that the epochs will have."""
        if self.full:
            yield Piece(self.batch, self.leaves, self.size, 1)
        if self.rest and (self.steps is None or self.steps > self.full):
            yield Piece(self.batch, self.leaves, self.rest, 1)

    def restart(self) -> None:
        """The next epoch begins with the first row."""
        self.seen = 0

    def begin(self) -> int:
        """Begin an epoch, or go on with one; the number of its steps."""
        if not self.done:
            if self.steps is None or self.seen >= self.total:
                self.seen = 0
            if self.seen == 0 and self.shuffle:
                self._shuffle(random.make_default_seed())
        self._now = left = self.total - self.seen
        if self.steps is None:
            return left
        if self.steps > left:
            warnings.warn(
                f"Your input ran out of data: the epoch ends after {left} of {self.steps} "
                "steps. Make sure that there are at least `steps_per_epoch * batch_size` rows.",
                stacklevel=4,
            )
        self._now = min(left, self.steps)
        return self._now

    def pieces(self) -> Generator[Piece, None, None]:
        """What is to do of the epoch."""
        first, last = self.seen + self.done, self.seen + self._now
        full = min(last, self.full)
        if first < full:
            yield from self._cut(self.size, first, full - first)
        if first < last and full < last:
            yield from self._cut(self.rest, self.full, 1)

    def _cut(self, size: int, first: int, count: int) -> Iterator[Piece]:
        """`count` batches from number `first` on, rows in a file some at a time."""
        at = first * self.size
        if not any(isinstance(leaf, MappedRows) for leaf in self.leaves):
            yield Piece(self.batch, self.leaves, size, count, at, self.order)
            return
        with closing(cut_batches(self.leaves, self.order, size, at, count)) as parts:
            for batches, rows in parts:
                yield Piece(self.batch, rows, size, batches, pace=_PROGRESS)

    def end(self) -> None:
        """The epoch is over; one that has steps left may go on."""
        if self.done >= self._now:
            self.seen += self._now
            self.done = 0


class BatchFeed:
    """Batches that a generator yields; what they are is known when they come."""

    def __init__(self, source: IteratorSource, steps: int | None) -> None:
        self.source = source
        self.steps = steps
        self.done = 0

    def backup_state(self) -> dict[str, Any]:
        """The place that the epochs have come to."""
        return {"done": self.done, "source": self.source.backup_state()}

    def restore_state(self, state: dict[str, Any]) -> int:
        """Go on from there, where the source can; the batches done of the epoch."""
        done = checked("the data", state, {"done": count})["done"]
        fits = "source" in state and self.source.restore_state(state["source"], done)
        self.done = done if fits else 0
        return self.done

    def samples(self) -> Iterator[Piece]:
        """The first batch, which comes again in the first epoch; nothing where there is none."""
        first = self.source.peek()
        if first is not None:
            yield _piece(first)

    def restart(self) -> None:
        """The source knows where its epochs begin."""

    def begin(self) -> int | None:
        """Begin an epoch, or go on with one; the number of its steps, where it is given."""
        return self.steps

    def pieces(self) -> Generator[Piece, None, None]:
        """What is to do of the epoch: each batch as it comes."""
        with closing(self.source.epoch(self.steps, self.done)) as batches:
            for batch in batches:
                yield _piece(batch)

    def end(self) -> None:
        """The epoch is over."""
        self.source.epoch_end()
        self.done = 0


def _piece(batch: tuple[Any, Any, Any]) -> Piece:
    """One batch; its leaves are looked at where it is checked."""
    return Piece(batch, [], 0, 1, pace=0.0, is_checked=False)


Feed = ArrayFeed | BatchFeed


def make_feed(
    source: ArraySource | IteratorSource, batch_size: int, steps: int | None, shuffle: bool = False
) -> Feed:
    """The feed for a source of either kind."""
    if isinstance(source, ArraySource):
        return ArrayFeed(source, batch_size, steps, shuffle)
    return BatchFeed(source, steps)
