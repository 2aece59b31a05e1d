"""y = x repeated along new axes and along axes of size 1, to attrs["shape"]

dx = the sum of dout over the copies

Shapes: as NumPy's broadcasting, aligned at the last axis.
Errors: a shape that x does not broadcast to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed, unbroadcast


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x repeated to attrs["shape"]"""
    return np.array(np.broadcast_to(x, tuple(attrs["shape"])))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = the sum of dout over the copies"""
    (x,) = inputs
    return (unbroadcast(needed(douts[0]), x.shape) if is_float(x) else None,)
