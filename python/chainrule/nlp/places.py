"""The places of the elements of a sequence, as numbers."""

from __future__ import annotations

from typing import Any

from chainrule import ops


def places_of(length: Any, start_index: Any = 0, positions: Any = None) -> Any:
    """int32 (T,): ``start_index + 0, 1, ..., length - 1``; or `positions`, where they are given."""
    if positions is not None:
        return ops.cast(positions, "int32")
    places = ops.arange(length, dtype="int32")
    return places + ops.cast(start_index, "int32")
