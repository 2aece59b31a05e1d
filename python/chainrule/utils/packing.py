"""The parts of a batch, `(x, y, sample_weight)`, as one value and back."""

from __future__ import annotations

from typing import Any

from chainrule.base.errors import DataError

__all__ = ["pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The batch that `fit` takes from a generator: x, (x, y) or (x, y, sample_weight).

    Without y, a tuple or list x becomes `(x,)`.

    Examples
    --------
    >>> pack_x_y_sample_weight("x"), pack_x_y_sample_weight(("a", "b"))
    ('x', (('a', 'b'),))
    >>> pack_x_y_sample_weight("x", "y", "w")
    ('x', 'y', 'w')
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`(x, y, sample_weight)` from x, (x,), (x, y) or (x, y, sample_weight), None for what lacks.

    Raises
    ------
    DataError
        A tuple or list that is empty or longer than three.

    Examples
    --------
    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(
            "data: expected x, (x, y) or (x, y, sample_weight), as from a generator, "
            f"got a tuple of length {len(data)}"
        )
    x, y, weight = (*data, None, None)[:3]
    return x, y, weight
