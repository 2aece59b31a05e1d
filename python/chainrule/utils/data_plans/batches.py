"""Elements put together to batches, and batches taken apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.utils.data_plans.leaves import stacked
from chainrule.utils.data_plans.plan import UNKNOWN, Plan, drop

__all__ = ["Batch", "Unbatch"]


class Batch(Plan):
    """Every `size` elements as one, along a new first axis.

    Parameters
    ----------
    source : Plan
    size : int
    drop_remainder : bool
        Leave out the last batch where it is shorter.
    workers : int, optional
        Threads that make batches. Default: as the source says.
    join : function
        Makes a batch of a list of elements. Default: stacks them.
    """

    def __init__(
        self,
        source: Plan,
        size: int,
        drop_remainder: bool = False,
        workers: int | None = None,
        join: Callable[[list[Any]], Any] = stacked,
    ) -> None:
        self.source = source
        self.size = size
        self.drop_remainder = drop_remainder
        self.workers = workers
        self.join = join
        self.may_be_short = not drop_remainder
        if source.count >= 0:
            self.count = source.count // size if drop_remainder else -(-source.count // size)
        else:
            self.count = source.count

    @property
    def is_plain(self) -> bool:
        """Whether its rows are all elements of the source, as they were."""
        return not self.drop_remainder and self.join is stacked

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        root = self.source.root
        first = skip * self.size
        if root is not None and self.join is stacked:
            groups = self._groups(self.source.numbers(turn, first))
            workers = root.workers if self.workers is None else self.workers
            return root.batches(map(np.array, groups), workers)
        return map(self.join, self._groups(self.source.elements(turn, first)))

    def _groups(self, items: Iterator[Any]) -> Iterator[list[Any]]:
        while group := list(itertools.islice(items, self.size)):
            if len(group) == self.size or not self.drop_remainder:
                yield group


class Unbatch(Plan):
    """The rows of each element, one by one."""

    def __init__(self, source: Plan) -> None:
        self.source = source
        self.count = source.count if source.count <= 0 else UNKNOWN

    def elements(self, turn: int, skip: int = 0) -> Iterator[Any]:
        return drop(itertools.chain.from_iterable(map(_rows, self.source.elements(turn))), skip)


def _rows(batch: Any) -> Iterator[Any]:
    leaves = [np.asarray(leaf) for leaf in tree.flatten(batch)]
    lengths = {len(leaf) if leaf.ndim else None for leaf in leaves}
    if len(lengths) != 1 or None in lengths:
        shapes = [leaf.shape for leaf in leaves]
        raise ValueError(
            f"Dataset.unbatch: expected arrays of one number of rows, got shapes {shapes}"
        )
    return (tree.pack_sequence_as(batch, list(row)) for row in zip(*leaves))
