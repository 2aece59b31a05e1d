"""What the files of linear algebra share: checks, and short names of steps with matrices (..., m, n)."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size, broadcast, may_be
from chainrule.ops._common import binary
from chainrule.ops._sized import numbers
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_dtype, as_float
from chainrule.tracing.dispatch import apply

__all__ = [
    "as_matrices", "identity", "matmul", "of_one_batch", "rounding", "swapped", "symmetric_part",
]  # fmt: skip


def as_matrices(x: Any, square: bool = False) -> Any:
    """`x` in a float dtype.

    Raises
    ------
    ShapeError
        Fewer than 2 axes, or, if `square`, sides that differ.
    """
    x = as_float(x)
    shape = tuple(x.shape)
    if x.ndim < 2:
        raise ShapeError(f"Expected input to have rank >= 2. Received input with shape {shape}.")
    if square and not may_be(shape[-1], shape[-2]):
        raise ShapeError(
            f"Expected a square matrix. Received non-square input with shape {shape}"
        )
    return x


def swapped(x: Any) -> Any:
    """Rows and columns exchanged."""
    axes = [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2]
    return apply("transpose", {"axes": axes}, [x])


def symmetric_part(x: Any) -> Any:
    """(x + x^T) / 2, which is x itself where it is symmetric."""
    half = as_dtype(0.5, standardize_dtype(x.dtype))
    x = binary("mul", x, half)
    return binary("add", x, swapped(x))


def matmul(a: Any, b: Any, transpose_a: bool = False) -> Any:
    """a b, or a^T b."""
    return apply("matmul", {"transpose_a": transpose_a, "transpose_b": False}, [a, b])


def identity(x: Any) -> Any:
    """Identity matrices beside the square ones of x."""
    n = x.shape[-1]
    rows = apply("reshape", {"shape": [n, 1]}, [numbers(n)])
    one = as_dtype(binary("eq", rows, numbers(n)), standardize_dtype(x.dtype))
    return apply("broadcast_to", {"shape": list(x.shape)}, [one])


def of_one_batch(a: Any, b: Any) -> tuple[Any, Any]:
    """Both with the axes before the matrices broadcast."""
    lead = broadcast(tuple(a.shape[:-2]), tuple(b.shape[:-2]))

    def spread(x: Any) -> Any:
        if tuple(x.shape[:-2]) == lead:
            return x
        return apply("broadcast_to", {"shape": [*lead, *x.shape[-2:]]}, [x])

    return spread(a), spread(b)


def rounding(x: Any) -> float:
    """max(m, n) times the epsilon of the dtype in which x is computed: below that times the largest, a
    singular value counts as 0. Of sizes that are not known shapes alone are asked for."""
    m, n = x.shape[-2:]
    if isinstance(m, Size) or isinstance(n, Size):
        return 0.0
    return float(max(m, n) * np.finfo(engine_dtype(standardize_dtype(x.dtype))).eps)
