"""a x = b, or a^T x = b if `transpose`, of one triangle of a; its diagonal counts as 1 if `unit`

db solves the system of the transpose for dx; da = -db x^T, or -x db^T, of the triangle alone

Shapes: a (..., n, n), b and x (..., n, k). Errors: a 0 on the diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._matrices import turned


def _triangle(attrs: Attrs, x: Array) -> Array:
    """What is read of a, without the diagonal if it counts as 1."""
    away = 1 if attrs["unit"] else 0
    return np.asarray(np.tril(x, -away) if attrs["lower"] else np.triu(x, away))


def _read(attrs: Attrs, a: Array) -> Array:
    return _triangle(attrs, a) + (np.eye(a.shape[-1]) if attrs["unit"] else 0.0)


def forward(attrs: Attrs, a: Array, b: Array) -> Array:
    """x"""
    a = _read(attrs, a)
    return np.asarray(np.linalg.solve(turned(a) if attrs["transpose"] else a, b))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """da, db"""
    a, (x,) = _read(attrs, inputs[0]), outputs
    db = np.linalg.solve(a if attrs["transpose"] else turned(a), needed(douts[0]))
    da = -x @ turned(db) if attrs["transpose"] else -db @ turned(x)
    return _triangle(attrs, da), db
