"""Orders: which elements of a plan come, and when; of rows they are orders of row numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.utils.data_plans.plan import INFINITE, Plan, drop, left_of

__all__ = ["Repeat", "Shuffle", "Skip", "Take"]

Pass = Callable[[int, int], Iterator[Any]]

# Numbers that are drawn together.
_DRAWN = 1024


class Order(Plan):
    """The elements of a plan in another order, or some of them; none is made anew.

    Parameters
    ----------
    source : Plan
    """

    def __init__(self, source: Plan) -> None:
        self.source = source
        self.root = source.root
        self.may_be_short = source.may_be_short

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        if self.root is not None:
            return self.root.of(self.numbers(turn, skip))
        return self.pick(self.source.elements, turn, skip)

    def numbers(self, turn: int, skip: int = 0) -> Iterator[int]:
        return self.pick(self.source.numbers, turn, skip)

    def pick(self, items: Pass, turn: int, skip: int) -> Iterator[Any]:
        """What of `items(turn, skip)` comes, whether these are elements or numbers."""
        raise NotImplementedError


class Take(Order):
    """The first `most` elements; all where it is negative."""

    def __init__(self, source: Plan, most: int) -> None:
        super().__init__(source)
        self.most = most
        known = source.count >= 0 and most >= 0
        self.count = min(source.count, most) if known else source.count
        if most >= 0 and source.count == INFINITE:
            self.count = most

    def pick(self, items: Pass, turn: int, skip: int) -> Iterator[Any]:
        found = items(turn, skip)
        return found if self.most < 0 else itertools.islice(found, max(0, self.most - skip))


class Skip(Order):
    """The elements behind the first `first`; none where it is negative."""

    def __init__(self, source: Plan, first: int) -> None:
        super().__init__(source)
        self.first = first
        self.count = 0 if first < 0 else left_of(source.count, first)

    def pick(self, items: Pass, turn: int, skip: int) -> Iterator[Any]:
        return iter(()) if self.first < 0 else items(turn, self.first + skip)


class Repeat(Order):
    """The passes one behind the other, `times` of them, or without end where it is negative."""

    def __init__(self, source: Plan, times: int) -> None:
        super().__init__(source)
        self.times = times
        if times < 0:
            self.count = INFINITE if source.count else 0
        else:
            self.count = source.count * times if source.count >= 0 else source.count
        if times == 0:
            self.count = 0

    def pick(self, items: Pass, turn: int, skip: int) -> Iterator[Any]:
        each = self.source.count
        if each < 0:
            return drop(self._passes(items, turn, 0, 0), skip)
        return self._passes(items, turn, *divmod(skip, each)) if each else iter(())

    def _passes(self, items: Pass, turn: int, done: int, skip: int) -> Iterator[Any]:
        """From pass number `done` on."""
        # Each pass of each repetition has a number of its own.
        first = turn * self.times if self.times >= 0 else turn << 32
        for number in itertools.count(done) if self.times < 0 else range(done, self.times):
            empty = not skip
            for item in items(first + number, skip):
                empty = False
                yield item
            skip = 0
            if empty:
                return


class Shuffle(Order):
    """Each element at random out of `size` that wait; of all of them, every order is as likely.

    Parameters
    ----------
    source : Plan
    size : int
    seed : int
    anew : bool
        Draw another order for each pass.
    begins_as_given : bool
        The first pass is in the source's order.
    """

    def __init__(
        self, source: Plan, size: int, seed: int, anew: bool, begins_as_given: bool = False
    ) -> None:
        super().__init__(source)
        self.size = size
        self.seed = seed
        self.anew = anew
        self.begins_as_given = begins_as_given
        self.count = source.count

    def pick(self, items: Pass, turn: int, skip: int) -> Iterator[Any]:
        if self.begins_as_given and not turn:
            return items(turn, skip)
        key = [self.seed % 2**64, turn % 2**64 if self.anew else 0]
        draw = np.random.Generator(np.random.Philox(key=key))
        return drop(self._mixed(items(turn, 0), draw), skip)

    def _mixed(self, items: Iterator[Any], draw: np.random.Generator) -> Iterator[Any]:
        waiting = list(itertools.islice(items, self.size))
        while len(waiting) == self.size:
            places = draw.integers(self.size, size=_DRAWN).tolist()
            given = 0
            for place, item in zip(places, items):
                given += 1
                yield waiting[place]
                waiting[place] = item
            if given < _DRAWN:
                break
        yield from [waiting[place] for place in draw.permutation(len(waiting))]
