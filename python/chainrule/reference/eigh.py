"""x = V diag(w) V^T, w ascending, the largest element of each column of V positive

With F_ij = 1 / (w_j - w_i), S = V (diag(dw) + F * V^T dV) V^T: dx = the lower triangle of S + S^T
with half its diagonal

Shapes: x and V (..., n, n), w (..., n). The lower triangle of x is read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._matrices import by_differences, folded, sign_of_largest, turned


def forward(attrs: Attrs, x: Array) -> tuple[Array, Array]:
    """w, V"""
    w, v = np.linalg.eigh(x)
    return w, v * sign_of_largest(v)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, below the diagonal and on it"""
    w, v = outputs
    dw, dv = (np.zeros_like(y) if d is None else d for y, d in zip(outputs, douts))
    inner = np.eye(w.shape[-1]) * dw[..., None, :] + by_differences(w, turned(v) @ dv)
    return (folded(v @ inner @ turned(v)),)
