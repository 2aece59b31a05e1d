"""Transforms of the last axis: DFT, whose tensors hold real and imaginary part in an axis behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.sizes import Size
from chainrule.exporting.onnx._graph import Graph
from chainrule.exporting.onnx._values import Array

__all__ = ["by_matrix", "dft", "factors", "parts", "waves"]

# Up to so many elements a row that is no power of 2 is multiplied by the matrix of its transform: runtimes do
# the same, with angles that they add up.
_LONGEST = 2048


def by_matrix(n: Any) -> bool:
    """Whether rows of n elements are transformed by `waves`."""
    return not isinstance(n, Size) and n <= _LONGEST and n & (n - 1) != 0


def waves(n: int, bins: int, dtype: str) -> tuple[Array, Array]:
    """cos and sin of 2 pi k t / n, each (n, bins)."""
    angles = 2 * np.pi * (np.outer(np.arange(n), np.arange(bins)) % n) / n
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def dft(g: Graph, x: str, rank: int, **settings: int) -> str:
    """DFT of (..., n, parts) along n, where (..., n) has this rank; the node takes no single row."""
    lead = rank == 1
    given = g.unsqueeze(x, 0) if lead else x
    axis = g.number(rank - 1 + lead, "int64")
    made = g.node("DFT", given, None, axis, **settings)
    return g.squeeze(made, 0) if lead else made


def parts(g: Graph, x: str, rank: int) -> list[str]:
    """Real and imaginary part of (..., n, 2)."""
    return [g.node("Gather", x, g.number(at, "int64"), axis=rank) for at in (0, 1)]


def factors(g: Graph, n: Any, middle: float, dtype: str) -> str:
    """(n // 2 + 1): `middle` for the numbers that have a conjugate, 1 for the others."""
    if not isinstance(n, Size):
        found = np.ones(n // 2 + 1, dtype)
        found[1 : (n + 1) // 2] = middle
        return g.constant(found)
    at = g.range(n // 2 + 1)
    inside = g.node(
        "And",
        g.node("Greater", at, g.number(0, "int64")),
        g.node("Less", at, g.scalar_size((n + 1) // 2)),
    )
    return g.node("Where", inside, g.number(middle, dtype), g.number(1, dtype))
