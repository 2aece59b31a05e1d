"""y = a where cond, else b

da = dout where cond, else 0;  db = 0 where cond, else dout

Shapes: cond, a and b broadcast together to y. Dtypes: cond bool; a, b and y the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed, unbroadcast


def forward(attrs: Attrs, cond: Array, a: Array, b: Array) -> Array:
    """y = a where cond, else b"""
    return np.where(cond, a, b)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """The side that was taken gets dout."""
    cond, a, b = inputs
    if not is_float(a):
        return None, None, None
    dout = needed(douts[0])
    zero = np.zeros_like(dout)
    return (
        None,
        unbroadcast(np.where(cond, dout, zero), a.shape),
        unbroadcast(np.where(cond, zero, dout), b.shape),
    )
