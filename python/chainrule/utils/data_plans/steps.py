"""What is done with each element: functions, numbers, other datasets beside it, memory, threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from chainrule.base import tree
from chainrule.utils.data_plans.plan import INFINITE, UNKNOWN, Plan, drop, left_of
from chainrule.utils.prefetch import by_threads, prefetch

__all__ = ["Cache", "Concatenate", "Enumerate", "Filter", "Map", "Prefetch", "Zip"]


class Call:
    """A function of the parts of an element; what it raises says of which function it is."""

    def __init__(self, function: Callable[..., Any], method: str) -> None:
        self.function = function
        name = getattr(function, "__qualname__", None) or getattr(function, "name", None)
        self.place = f"Dataset.{method}({name or type(function).__name__})"

    def __call__(self, element: Any) -> Any:
        try:
            made = self.function(*element if isinstance(element, tuple) else (element,))
        except Exception as error:
            if hasattr(error, "add_note"):  # from Python 3.11 on
                error.add_note(f"raised in {self.place}")
            raise
        if made is None:
            raise TypeError(f"{self.place}: expected the function to return a value, got None")
        return made


class Map(Plan):
    """``function(element)``, in order, made on `workers` threads, or where it is asked for."""

    def __init__(self, source: Plan, function: Callable[..., Any], workers: int) -> None:
        self.source = source
        self.call = Call(function, "map")
        self.workers = workers
        self.count = source.count
        self.may_be_short = source.may_be_short

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        given = self.source.elements(turn, skip)
        if not self.workers:
            return map(self.call, given)
        return by_threads(self.call, given, self.workers, 2 * self.workers)


class Filter(Plan):
    """The elements for which a function is true."""

    def __init__(self, source: Plan, predicate: Callable[..., Any]) -> None:
        self.source = source
        self.call = Call(predicate, "filter")
        self.count = UNKNOWN if source.count else 0
        self.may_be_short = source.may_be_short

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        return drop(filter(self.call, self.source.elements(turn)), skip)


class Enumerate(Plan):
    """``(number, element)``, numbers from `start` on."""

    def __init__(self, source: Plan, start: int) -> None:
        self.source = source
        self.start = start
        self.count = source.count

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        return enumerate(self.source.elements(turn, skip), self.start + skip)


class Zip(Plan):
    """Elements of several plans side by side, as long as each has one."""

    def __init__(self, structure: Any, sources: list[Plan]) -> None:
        self.structure = structure
        self.sources = sources
        counts = [source.count for source in sources]
        finite = [count for count in counts if count != INFINITE]
        if not finite:
            self.count = INFINITE
        elif UNKNOWN not in finite:
            self.count = min(finite)
        self.may_be_short = any(source.may_be_short for source in sources)

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        parts = [source.elements(turn, skip) for source in self.sources]
        return (tree.pack_sequence_as(self.structure, list(row)) for row in zip(*parts))


class Concatenate(Plan):
    """The elements of a plan, then those of another."""

    def __init__(self, first: Plan, second: Plan) -> None:
        self.first = first
        self.second = second
        counts = (first.count, second.count)
        if INFINITE in counts:
            self.count = INFINITE
        elif UNKNOWN not in counts:
            self.count = sum(counts)
        self.may_be_short = first.may_be_short or second.may_be_short

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        known = self.first.count
        if 0 <= known <= skip:
            return self.second.elements(turn, skip - known)
        if skip and known < 0:
            return drop(self.elements(turn), skip)
        return itertools.chain(self.first.elements(turn, skip), self.second.elements(turn))


class Cache(Plan):
    """The elements of the first whole pass, in every pass."""

    def __init__(self, source: Plan) -> None:
        self.source = source
        self.count = source.count
        self.may_be_short = source.may_be_short
        self._kept: list[Any] | None = None

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        if self._kept is not None:
            return iter(self._kept[skip:])
        return drop(self._filled(turn), skip)

    def _filled(self, turn: int) -> Iterator[Any]:
        kept: list[Any] = []
        for element in self.source.elements(turn):
            kept.append(element)
            # Who takes as many as there are does not ask for one more.
            if not left_of(self.count, len(kept)):
                self._kept = kept
            yield element
        self._kept = kept


class Prefetch(Plan):
    """The elements, some of them made ahead on a thread."""

    def __init__(self, source: Plan, depth: int) -> None:
        self.source = source
        self.depth = depth
        self.count = source.count
        self.may_be_short = source.may_be_short

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        return prefetch(self.source.elements(turn, skip), self.depth)
