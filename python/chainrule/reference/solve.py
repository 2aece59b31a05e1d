"""a x = b, or a^T x = b if `transpose`

db solves the system of the transpose for dx; da = -db x^T, or -x db^T

Shapes: a (..., n, n), b and x (..., n, k). Errors: a singular a.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._matrices import turned


def forward(attrs: Attrs, a: Array, b: Array) -> Array:
    """x"""
    return np.asarray(np.linalg.solve(turned(a) if attrs["transpose"] else a, b))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """da, db"""
    (a, _), (x,) = inputs, outputs
    db = np.linalg.solve(a if attrs["transpose"] else turned(a), needed(douts[0]))
    da = -x @ turned(db) if attrs["transpose"] else -db @ turned(x)
    return da, db
