"""Arrays in a file that the core cannot read as they are: converted batch by batch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.training.data import to_array
from chainrule.utils.prefetch import prefetch

__all__ = ["MappedRows", "cut_batches", "is_mapped", "to_rows"]

Array = NDArray[Any]

# Bytes of rows that are converted together.
_BLOCK = 1 << 22


def is_mapped(x: Any) -> bool:
    """Whether the numbers of an array lie in a file (`np.memmap`, and views of one).

    Examples
    --------
    >>> is_mapped(np.zeros(3))
    False
    """
    while isinstance(x, np.ndarray):
        if isinstance(x, np.memmap):
            return True
        x = x.base
    return False


class MappedRows:
    """A mapped array (rows, ...) of another dtype or order than the core's; its rows are converted
    as they are taken.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
        Of the rows that are taken.

    Examples
    --------
    >>> rows = MappedRows(np.ones((5, 2), "float16"), "x")
    >>> rows.dtype.name, rows[1:3].dtype.name, len(rows.part(slice(1, 4)))
    ('float32', 'float32', 3)
    """

    def __init__(self, source: Array, name: str) -> None:
        self.source = source
        self.name = name
        self.shape: tuple[int, ...] = source.shape
        self.ndim = source.ndim
        self.dtype: np.dtype[Any] = to_array(source[:0], name).dtype

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Any) -> Array:
        """The rows, converted: of a slice, or of an array of numbers."""
        return to_array(self.source[rows], self.name)

    def part(self, rows: slice) -> MappedRows:
        """Some of the rows, still in the file."""
        return MappedRows(self.source[rows], self.name)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """All rows, some at a time, each time with the number of the first."""
        size = max(1, _BLOCK // max(1, row_bytes(self)))
        for start in range(0, len(self), size):
            yield start, self[start : start + size]


def row_bytes(array: Any) -> int:
    """Bytes of one row of what the core gets."""
    return int(np.prod(array.shape[1:], dtype=np.int64)) * int(array.dtype.itemsize)


def to_rows(x: Any, name: str) -> Any:
    """`to_array`, but a mapped array that this would copy stays in its file, as `MappedRows`.

    One number a row is converted at once.
    """
    if not (is_mapped(x) and x.ndim >= 2):
        return to_array(x, name)
    plain = x.dtype.kind != "b" and to_array(x[:0], name).dtype == x.dtype
    if plain and x.dtype.isnative and x.flags.c_contiguous and x.flags.aligned:
        return to_array(x, name)
    return MappedRows(x, name)


def cut_batches(
    leaves: Sequence[Any], order: Any, size: int, at: int, count: int
) -> Generator[tuple[int, list[Array]], None, None]:
    """`count` batches of `size` rows from row `at` on, made ahead on a thread.

    Yields
    ------
    int
        How many batches come together.
    list of array
        Their rows, one array for each of `leaves`.
    """
    together = max(1, _BLOCK // max(1, size * sum(map(row_bytes, leaves))))

    def make(start: int) -> tuple[int, list[Array]]:
        batches = min(together, count - start)
        rows: Any = slice(at + start * size, at + (start + batches) * size)
        if order is not None:
            rows = order[rows]
        return batches, [leaf[rows] for leaf in leaves]

    with closing(prefetch(map(make, range(0, count, together)), 1)) as parts:
        yield from parts
