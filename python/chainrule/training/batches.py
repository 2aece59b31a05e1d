"""Batches as a generator, an iterable, a Dataset or a PyDataset yields them, made while the core computes."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any

import numpy as np

from chainrule import random
from chainrule.training.data import is_array, is_place_in, to_arrays
from chainrule.utils.dataset import Dataset
from chainrule.utils.packing import unpack_x_y_sample_weight
from chainrule.utils.prefetch import by_processes, by_threads, prefetch
from chainrule.utils.py_dataset import PyDataset
from chainrule.utils.remembered import checked, count, list_of, optional, seed

__all__ = ["IteratorSource", "is_batch_iterable"]

Batch = tuple[Any, Any, Any]
# What makes a model's inputs of the inputs of a batch, where there is more to do than to convert.
Load = Callable[[Any], Any] | None

# Batches of a generator that are made ahead.
_AHEAD = 2


def is_indexed(x: Any) -> bool:
    """Whether `x` gives batches by number."""
    return isinstance(x, PyDataset) or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def is_batch_iterable(x: Any) -> bool:
    """Whether `x` yields batches rather than being the data itself."""
    if isinstance(x, (list, tuple, dict, str)) or is_array(x):
        return False
    return isinstance(x, Iterable) or is_indexed(x)


def _converted(batch: Any, load: Load) -> Batch:
    x, y, w = unpack_x_y_sample_weight(batch)
    x = to_arrays(x, "x") if load is None else load(x)
    return x, to_arrays(y, "y"), to_arrays(w, "sample_weight")


class _Stream:
    """The batches of an iterable; of an iterator once, of others again and again."""

    count: int | None = None

    def __init__(self, batches: Any, load: Load) -> None:
        self._batches = batches
        self._load = load
        self._iterator: Iterator[Any] | None = None
        self._taken = 0
        self.ends_once = isinstance(batches, Iterator)

    def restart(self) -> None:
        self._iterator = iter(self._batches)
        self._taken = 0

    def backup_state(self) -> dict[str, Any]:
        return {"taken": self._taken}

    def restore_state(self, state: dict[str, Any]) -> bool:
        """Take so many batches from the start; an iterator has none."""
        taken = checked("the data", state, {"taken": count})["taken"]
        if not self.ends_once:
            self.restart()
            assert self._iterator is not None
            self._taken = sum(1 for _ in itertools.islice(self._iterator, taken))
        return True

    def first(self) -> Batch | None:
        """The next batch, made at once; None where there is none."""
        if self._iterator is None:
            self.restart()
        assert self._iterator is not None
        for batch in self._iterator:
            self._taken += 1
            return _converted(batch, self._load)
        return None

    def read(self, limit: int | None) -> Generator[Batch, None, None]:
        """The next `limit` batches, or all."""
        if self._iterator is None:
            self.restart()
        assert self._iterator is not None
        given = itertools.islice(self._iterator, limit)
        converted = (_converted(batch, self._load) for batch in given)
        with closing(prefetch(converted, _AHEAD)) as batches:
            for batch in batches:
                self._taken += 1
                yield batch


class _Passes(_Stream):
    """The batches of a Dataset, pass by pass."""

    def __init__(self, batches: Dataset, load: Load) -> None:
        super().__init__(batches, load)
        size = batches.cardinality()
        self.count = size if size >= 0 else None
        self._turn = 0

    def restart(self) -> None:
        self._turn = self._batches.next_pass
        super().restart()

    def backup_state(self) -> dict[str, Any]:
        return {"batches": self.count, "pass": self._turn, "taken": self._taken}

    def restore_state(self, state: dict[str, Any]) -> bool:
        """Go on at that place of that pass, where there are as many batches."""
        kinds = {"batches": optional(count), "pass": count, "taken": count}
        place = checked("the data", state, kinds)
        if not is_place_in({"batches": self.count}, {"batches": place["batches"]}):
            return False
        self._turn, self._taken = place["pass"], place["taken"]
        self._iterator = self._batches.passing(self._turn, self._taken)
        return True


class _Load:
    """Makes a batch by number; goes to the processes that do so."""

    def __init__(self, batches: Any, load: Load) -> None:
        self.batches = batches
        self.load = load

    def __call__(self, index: int) -> Batch | None:
        batch = self.batches[index]
        return None if batch is None else _converted(batch, self.load)


class _Indexed:
    """The batches of a PyDataset, or of another object with `__getitem__` and `__len__`."""

    ends_once = False

    def __init__(self, batches: Any, shuffle: bool, load: Load) -> None:
        self._batches = batches
        self._load = _Load(batches, load)
        is_dataset = isinstance(batches, PyDataset)
        self.count: int | None = batches.num_batches if is_dataset else len(batches)
        self._shuffle = shuffle and is_dataset and not getattr(batches, "keeps_order", False)
        self._order: Any = None
        self._position = 0
        # Of the order, and of the processes that make batches.
        self._seeds: list[int] | None = None

    def restart(self) -> None:
        if isinstance(self._batches, PyDataset):
            self.count = self._batches.num_batches
        self._begin(0, [random.make_default_seed() for _ in range(self._draws)])

    @property
    def _draws(self) -> int:
        shuffles = self._shuffle and self.count is not None
        return shuffles + bool(getattr(self._batches, "use_multiprocessing", False))

    def _begin(self, position: int, seeds: list[int]) -> None:
        self._position, self._seeds = position, seeds
        if self.count is None:
            self._order = None
        elif self._shuffle:
            generator = np.random.Generator(np.random.Philox(seeds[0]))
            self._order = generator.permutation(self.count).tolist()
        else:
            self._order = range(self.count)

    def backup_state(self) -> dict[str, Any]:
        seeds = self._seeds or []
        return {"batches": self.count, "position": self._position, "seeds": seeds}

    def restore_state(self, state: dict[str, Any]) -> bool:
        """Go on at that position of that order, where there are as many batches."""
        if isinstance(self._batches, PyDataset):
            self.count = self._batches.num_batches
        kinds = {"batches": optional(count), "position": count, "seeds": list_of(seed)}
        place = checked("the data", state, kinds)
        given = {"batches": place["batches"], "seeds": len(place["seeds"])}
        if not is_place_in({"batches": self.count, "seeds": self._draws}, given):
            return False
        self._begin(place["position"], place["seeds"])
        return True

    def _rest(self) -> Iterator[int]:
        if self._seeds is None:
            self.restart()
        if self.count is None:
            return itertools.count(self._position)
        return iter(self._order[self._position :])

    def first(self) -> Batch | None:
        """The next batch, made at once; None where there is none."""
        for index in self._rest():
            batch = self._load(index)
            self._position += 1
            if batch is not None:
                return batch
        return None

    def read(self, limit: int | None) -> Generator[Batch, None, None]:
        """The next `limit` batches, or all; one that is None is left out."""
        indices = itertools.islice(self._rest(), limit)
        workers = getattr(self._batches, "workers", 1)
        ahead = getattr(self._batches, "max_queue_size", _AHEAD)
        batches: Generator[Batch | None, None, None]
        if workers and getattr(self._batches, "use_multiprocessing", False):
            batches = by_processes(self._load, indices, workers, ahead, (self._seeds or [0])[-1])
        elif workers > 1:
            batches = by_threads(self._load, indices, workers, ahead)
        elif workers == 1:
            batches = prefetch(map(self._load, indices), ahead)
        else:
            batches = (self._load(index) for index in indices)
        with closing(batches):
            for batch in batches:
                self._position += 1
                if batch is not None:
                    yield batch


class IteratorSource:
    """Batches as a generator, an iterable, a Dataset or a PyDataset yields them.

    They are made ahead, on a thread or as the PyDataset says, but never beyond the epoch: what an
    iterator holds for the next one stays in it.

    Parameters
    ----------
    batches : iterator, iterable, Dataset, PyDataset, or an object with `__len__` and `__getitem__`
        An iterator goes on from epoch to epoch and ends once; the others start again.
    shuffle : bool
        Take the batches of a PyDataset in a new order each time.
    load : function, optional
        What makes a model's inputs of those of a batch. Default: they are converted.
    """

    def __init__(self, batches: Any, shuffle: bool = False, load: Load = None) -> None:
        self.batches = batches
        self._reader: Any
        if isinstance(batches, Dataset):
            self._reader = _Passes(batches, load)
        elif is_indexed(batches):
            self._reader = _Indexed(batches, shuffle, load)
        else:
            self._reader = _Stream(batches, load)
        self._head: list[Batch] = []
        self._begun = False

    @property
    def steps(self) -> int | None:
        """The number of batches, where it is known."""
        count: int | None = self._reader.count
        return count

    def _begin(self) -> None:
        """Tell a PyDataset that an epoch begins."""
        if not self._begun:
            self._begun = True
            if hasattr(self.batches, "on_epoch_begin"):
                self.batches.on_epoch_begin()

    def peek(self) -> Batch | None:
        """The first batch, which `epoch` yields all the same; None where there is none."""
        if not self._head:
            self._begin()
            found = self._reader.first()
            if found is not None:
                self._head.append(found)
        return self._head[0] if self._head else None

    def backup_state(self) -> dict[str, Any]:
        """The place in the data, and what a PyDataset says of itself."""
        state = {"reader": self._reader.backup_state()}
        if hasattr(self.batches, "backup_state"):
            state["data"] = self.batches.backup_state()
        return state

    def restore_state(self, state: dict[str, Any], done: int) -> bool:
        """Go on from there, with `done` batches of the epoch done; whether these data can."""
        if not isinstance(state, dict) or not isinstance(state.get("reader"), dict):
            raise ValueError("the state of the data: expected a dict with the place of the reader")
        if "data" in state and hasattr(self.batches, "restore_state"):
            self.batches.restore_state(state["data"])
        if not self._reader.restore_state(state["reader"]):
            return False
        if not self._reader.ends_once:
            self._head = []
        # The epoch that a look at the first batch has begun is another one.
        self._begun = done > 0
        return True

    def _is_endless(self) -> bool:
        """Whether it is said of the batches that they have no end."""
        if isinstance(self.batches, Dataset):
            return self.batches.cardinality() == Dataset.INFINITE
        return isinstance(self.batches, PyDataset) and self.steps is None

    def epoch(self, steps: int | None, done: int = 0) -> Generator[Batch, None, None]:
        """Batches of one epoch: `steps`, or all that come; of which `done` have come before."""
        if steps is None and self._is_endless():
            raise ValueError(
                f"{type(self.batches).__name__}: expected a number of steps for an epoch of "
                "batches without end (`steps_per_epoch` of fit, `steps` of evaluate and predict)"
            )
        self._begin()
        reader = self._reader
        fresh = False
        if self._head:
            done += 1
            yield self._head.pop()
        elif steps is None and not done and not reader.ends_once:
            reader.restart()
            fresh = True
        while steps is None or done < steps:
            before = done
            with closing(reader.read(None if steps is None else steps - done)) as batches:
                for batch in batches:
                    done += 1
                    yield batch
            if steps is None:
                return
            if done < steps:
                if reader.ends_once or (fresh and done == before):
                    if done:
                        _warn_of_end(done, steps)
                    return
                reader.restart()
                fresh = True

    def epoch_end(self) -> None:
        """Tell a PyDataset that an epoch is over."""
        self._begun = False
        if hasattr(self.batches, "on_epoch_end"):
            self.batches.on_epoch_end()


def _warn_of_end(done: int, steps: int) -> None:
    warnings.warn(
        f"Your input ran out of data after {done} of {steps} steps; the epoch ends here. A "
        "generator must yield at least `steps_per_epoch * epochs` batches.",
        stacklevel=4,
    )
