"""Sizes of axes: ints, or `Size` where a size is not known while shapes are inferred.

A `Size` reckons as an int does (`+ - * // % **`), with ints and other sizes, and gives sizes; it stands
for 1 or more. It equals itself alone. A comparison whose outcome depends on the size raises `TypeError`,
as does its use as an int; as a float it is NaN, since only shapes are inferred.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from chainrule._core import Size

__all__ = [
    "Size", "agreed", "as_size", "at_least", "at_most", "broadcast", "divides", "is_size", "known", "may_be",
]  # fmt: skip


def is_size(x: object) -> TypeGuard[int | Size]:
    """Whether `x` may be the size of an axis: an int, one of NumPy's, or a `Size`."""
    return isinstance(x, (int, np.integer, Size))


def as_size(x: Any) -> Any:
    """`x` as an int, or the `Size` that it is."""
    return x if isinstance(x, Size) else int(x)


def known(x: Any) -> int | None:
    """The number, or None for a size that is not known."""
    return None if isinstance(x, Size) else x


def may_be(a: Any, b: Any) -> bool:
    """Whether two sizes are not surely different."""
    if isinstance(a, Size):
        return a.may_be(b)
    return b.may_be(a) if isinstance(b, Size) else bool(a == b)


def agreed(a: Any, b: Any) -> Any:
    """Of two sizes that may be one, that which is known.

    Examples
    --------
    >>> agreed(Size.symbol(0), 3)
    3
    """
    return b if isinstance(a, Size) else a


def broadcast(*shapes: tuple[Any, ...]) -> tuple[Any, ...]:
    """The shape to which shapes broadcast; a size that is not known is no 1.

    Raises
    ------
    ValueError
        There is none.

    Examples
    --------
    >>> broadcast((3, 1), (4,))
    (3, 4)
    """
    if not any(isinstance(n, Size) for shape in shapes for n in shape):
        return np.broadcast_shapes(*shapes)
    rank = max(map(len, shapes))
    common: list[Any] = [1] * rank
    for shape in shapes:
        for axis, n in enumerate(shape, start=rank - len(shape)):
            if not (may_be(common[axis], n) or 1 in (common[axis], n)):
                raise ValueError(f"shapes that do not broadcast: {shapes}")
            if common[axis] == 1 or isinstance(common[axis], Size) and n != 1:
                common[axis] = n
    return tuple(common)


def divides(parts: Any, size: Any) -> bool:
    """Whether a size may be cut into so many parts.

    Examples
    --------
    >>> divides(4, 12), divides(5, 12), divides(0, 0)
    (True, False, False)
    """
    return not may_be(parts, 0) and may_be(size // parts * parts, size)


def at_most(size: Any, most: Any) -> Any:
    """The smaller one; `size` where it is not known which it is: an unknown size is large enough.

    Examples
    --------
    >>> at_most(3, 5)
    3
    """
    return size if isinstance(size, Size) or isinstance(most, Size) else min(size, most)


def at_least(size: Any, least: Any) -> Any:
    """The larger one, where it may not be known which it is.

    Examples
    --------
    >>> at_least(3, 5)
    5
    """
    if isinstance(size, Size):
        return size.at_least(least)
    return least.at_least(size) if isinstance(least, Size) else max(size, least)
