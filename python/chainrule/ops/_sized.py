"""Arrays that sizes alone make: NumPy's where all are known, values of the trace where one is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.base.sizes import Size
from chainrule.tracing.casting import as_dtype
from chainrule.tracing.dispatch import apply

__all__ = ["filled", "inside_block", "numbers", "triangle"]


def filled(shape: Sequence[Any], value: Any, dtype: Any) -> Any:
    """`value` at every place of a shape."""
    if not any(isinstance(n, Size) for n in shape):
        return np.full(tuple(shape), value, dtype)
    return apply("broadcast_to", {"shape": list(shape)}, [np.asarray(value, dtype)])


def numbers(n: int | Size, dtype: str = "int32") -> Any:
    """0, 1, ..., n - 1."""
    if isinstance(n, Size):
        return apply("iota", {"shape": [n], "axis": 0, "dtype": dtype}, [])
    return np.arange(n, dtype=dtype)


def triangle(rows: int | Size, columns: int | Size, k: int) -> Any:
    """A matrix of bools, True up to the k-th diagonal."""
    if not isinstance(rows, Size) and not isinstance(columns, Size):
        return np.tri(rows, columns, k, dtype=bool)
    ends = numbers(rows) + np.int32(k)
    column = apply("reshape", {"shape": [rows, 1]}, [ends])
    return apply("binary", {"function": "ge"}, [column, numbers(columns)])


def inside_block(shape: Sequence[Any], start: Sequence[Any], sizes: Sequence[Any]) -> Any:
    """Bools of a shape, True in the block of these sizes that begins at `start`."""
    if not any(isinstance(n, Size) for n in (*shape, *start, *sizes)):
        inside = np.zeros(tuple(shape), "bool")
        inside[tuple(slice(i, i + s) for i, s in zip(start, sizes))] = True
        return inside
    attrs = {"shape": list(shape), "start": list(start), "step": [1] * len(start)}
    return as_dtype(apply("slice_grad", attrs, [filled(sizes, 1, "uint8")]), "bool")
