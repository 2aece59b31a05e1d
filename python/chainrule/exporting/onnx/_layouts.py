"""Channels that stand first in the file: which calls may leave them there, and where axes are then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Value, last_first

__all__ = ["all_first", "axis_first", "beside_first"]


def axis_first(axis: int, rank: int) -> int:
    """Where an axis is with the channels first."""
    return last_first(rank).index(axis)


def all_first(values: Sequence[Value]) -> bool:
    """Whether the file has all of these with their channels first, and one only so."""
    return any(x.is_first for x in values) and all(x.first is not None for x in values)


def beside_first(g: Graph, values: Sequence[Value]) -> list[str] | None:
    """Tensors that broadcast with the channels first, or None where they are better left.

    The values broadcast with each other; those that are the same for all inputs are put in order.
    """
    rank = max(x.rank for x in values)
    if not any(x.is_first and x.rank == rank for x in values):
        return None
    names = []
    for x in values:
        if x.rank == 0:
            names.append(g.tensor(x))
        elif x.array is not None:
            array = x.array.reshape((1,) * (rank - x.rank) + x.array.shape)
            names.append(g.constant(np.transpose(array, last_first(rank)), x.label))
        elif x.rank == rank and x.first is not None:
            names.append(x.first)
        else:
            return None
    return names
