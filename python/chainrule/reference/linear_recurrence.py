"""y_i = a_i * y_{i-1} + b_i along `axis`, from y_0 = b_0

db_i = dout_i + a_{i+1} * db_{i+1};  da_i = db_i * y_{i-1}, da_0 = 0

Shapes: a, b and y the same. `reverse` runs from the end. Dtypes: floats.
Errors: shapes that differ, an axis that is not there.
Source: Blelloch, Prefix Sums and Their Applications, 1990, section 1.4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def _turn(attrs: Attrs, x: Array) -> Array:
    """The axis to the front, reversed where the recurrence runs from the end."""
    moved = np.moveaxis(x, attrs["axis"], 0)
    return moved[::-1] if attrs["reverse"] else moved


def _turn_back(attrs: Attrs, x: Array) -> Array:
    return np.moveaxis(x[::-1] if attrs["reverse"] else x, 0, attrs["axis"])


def forward(attrs: Attrs, a: Array, b: Array) -> Array:
    """y_i = a_i * y_{i-1} + b_i"""
    a, y = _turn(attrs, a), _turn(attrs, b).copy()
    for i in range(1, len(y)):
        y[i] += a[i] * y[i - 1]
    return _turn_back(attrs, y)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """da and db as in the head of this file"""
    a, y = _turn(attrs, inputs[0]), _turn(attrs, outputs[0])
    db = _turn(attrs, needed(douts[0])).copy()
    for i in range(len(db) - 2, -1, -1):
        db[i] += a[i + 1] * db[i + 1]
    da = np.zeros_like(db)
    da[1:] = db[1:] * y[:-1]
    return _turn_back(attrs, da), _turn_back(attrs, db)
