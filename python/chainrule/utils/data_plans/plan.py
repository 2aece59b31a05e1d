"""Plan: what comes in one pass over a dataset, as a function of the number of the pass; Rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.base import tree
from chainrule.utils.prefetch import by_threads

__all__ = ["INFINITE", "UNKNOWN", "Plan", "Rows", "drop", "left_of"]

Array = npt.NDArray[Any]

# What `cardinality` gives where there is no number; TensorFlow's.
INFINITE = -1
UNKNOWN = -2


class Plan:
    """The elements of a dataset, pass by pass.

    A plan holds no place: a pass is an iterator of its own, and equal for equal numbers. So orders
    repeat for a seed, and a run that was stopped goes on with the number of its pass.

    Attributes
    ----------
    count : int
        Elements of a pass, `INFINITE` or `UNKNOWN`.
    root : Rows or None
        Where each element is made of one row number, what makes them: batches are then made of
        many numbers at once, and orders are orders of numbers.
    may_be_short : bool
        Whether elements are batches of which the last may hold fewer rows.
    """

    count: int = UNKNOWN
    root: Rows | None = None
    may_be_short = False

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        """The elements of pass number `turn`, without the first `skip`."""
        raise NotImplementedError

    def numbers(self, turn: int, skip: int = 0) -> Iterator[int]:
        """The row numbers that the elements are made of, where there is a `root`."""
        raise NotImplementedError


class Rows(Plan):
    """Elements that are made of the numbers 0 to count - 1.

    Parameters
    ----------
    count : int
    take : function
        Makes the batch of an array of numbers; None where there is nothing to be had of them.
    workers : int
        Threads that make batches, or single elements. 0 makes them where they are asked for.
    """

    def __init__(self, count: int, take: Callable[[Array], Any], workers: int = 0) -> None:
        self.count = count
        self.take = take
        self.workers = workers
        self.root = self

    def numbers(self, turn: int, skip: int = 0) -> Iterator[int]:
        return iter(range(skip, self.count))

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        return self.of(self.numbers(turn, skip))

    def of(self, numbers: Iterator[int]) -> Iterator[Any]:
        """The elements of these numbers."""
        batches = self.batches((np.array([number]) for number in numbers), self.workers)
        return (tree.map_structure(lambda x: x[0], batch) for batch in batches)

    def batches(self, groups: Iterator[Array], workers: int) -> Iterator[Any]:
        """The batches of groups of numbers, made on so many threads."""
        made: Iterator[Any]
        if workers:
            made = by_threads(self.take, groups, workers, workers + 1)
        else:
            made = map(self.take, groups)
        return (batch for batch in made if batch is not None)


def left_of(count: int, skipped: int) -> int:
    """The elements that are left of `count` behind the first `skipped`."""
    return count if count < 0 else max(0, count - skipped)


def drop(items: Iterator[Any], skip: int) -> Iterator[Any]:
    """The items behind the first `skip`, which are made all the same."""
    return itertools.islice(items, skip, None) if skip else items
