"""Rows of data as the core takes them: arrays as they are, sparse matrices some batches at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Piece", "Rows"]

Array = NDArray[Any]

# Of the rows of a sparse matrix that are written out at once.
_BYTES = 1 << 23


class Piece(NamedTuple):
    """Arguments of `_core.Program.epoch`: feeds, order, rows a batch, first row, batches."""

    feeds: list[Array]
    order: Array | None
    size: int
    start: int
    batches: int


@dataclass(frozen=True)
class Rows:
    """Data of a fit.

    Attributes
    ----------
    x : array or sparse matrix
        (N, K); sparse ones by rows.
    y : array
        (N, ...).
    weight : array or None
        (N,).
    """

    x: Any
    y: Array
    weight: Array | None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def pieces(self, size: int, order: Array | None = None) -> Iterator[Piece]:
        """All batches of `size` rows, and the shorter one at the end, in the order of row numbers."""
        if isinstance(self.x, np.ndarray):
            beside = [self.y] if self.weight is None else [self.y, self.weight]
            yield from _cut([self.x, *beside], order, size, len(self))
            return
        row = self.x.shape[1] * self.x.dtype.itemsize
        step = size * max(1, _BYTES // (size * row))
        for start in range(0, len(self), step):
            chosen = slice(start, start + step) if order is None else order[start : start + step]
            feeds = [self.x[chosen].toarray(), self.y[chosen]]
            if self.weight is not None:
                feeds.append(self.weight[chosen])
            yield from _cut(feeds, None, size, len(feeds[0]))


def _cut(feeds: list[Array], order: Array | None, size: int, rows: int) -> Iterator[Piece]:
    full, rest = divmod(rows, size)
    if full:
        yield Piece(feeds, order, size, 0, full)
    if rest:
        yield Piece(feeds, order, rest, full * size, 1)
