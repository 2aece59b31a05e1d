"""C_ij = (-1)^(i + j) det(x without row i and column j): the derivative of det(x) by x_ij

dx = (<dC, C> C - C dC^T C) / det(x)

Shapes: x and C (..., n, n).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._matrices import turned


def forward(attrs: Attrs, x: Array) -> Array:
    """C"""
    n = x.shape[-1]
    found = np.ones_like(x)
    for i in range(n):
        for j in range(n):
            minor = np.delete(np.delete(x, i, axis=-2), j, axis=-1)
            found[..., i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    return found


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx"""
    c, dc = outputs[0], needed(douts[0])
    along = np.sum(dc * c, axis=(-2, -1), keepdims=True)
    whole = np.linalg.det(inputs[0])[..., None, None]
    return ((along * c - c @ turned(dc) @ c) / whole,)
