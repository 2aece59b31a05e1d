"""P x = L U by partial pivoting: L (1 on its diagonal) below the diagonal, U above

d(P x) = L^-T (below(L^T dL) + above(dU U^T)) U^-T, L and U made square by ones on the diagonal

Shapes: x (..., m, n), pivots (..., min(m, n)), rows (..., m); row i was exchanged with row
pivots[i], and row i of P x is row rows[i] of x.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def _factor(x: Array) -> tuple[Array, Array, Array]:
    lu, (m, n) = np.array(x), x.shape
    pivots, rows = np.zeros(min(m, n), "int32"), np.arange(m, dtype="int32")
    for k in range(min(m, n)):
        p = pivots[k] = k + int(np.argmax(np.abs(lu[k:, k])))
        lu[[k, p]], rows[[k, p]] = lu[[p, k]], rows[[p, k]]
        if lu[k, k] != 0:
            lu[k + 1 :, k] /= lu[k, k]
            lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu, pivots, rows


def forward(attrs: Attrs, x: Array) -> tuple[Array, Array, Array]:
    """lu, pivots, rows"""
    m, n = x.shape[-2:]
    lu, lead = np.zeros_like(x), x.shape[:-2]
    pivots, rows = np.zeros((*lead, min(m, n)), "int32"), np.zeros((*lead, m), "int32")
    for at in np.ndindex(*lead):
        lu[at], pivots[at], rows[at] = _factor(x[at])
    return lu, pivots, rows


def _slope(lu: Array, rows: Array, dlu: Array) -> Array:
    m, n = lu.shape
    lower, upper = np.eye(m), np.eye(n)
    k = min(m, n)
    lower[:, :k] += np.tril(lu[:, :k], -1)
    upper[:k] = np.triu(lu[:k])
    inner = np.tril(lower.T @ np.tril(dlu, -1), -1) + np.triu(np.triu(dlu) @ upper.T)
    dx = np.zeros_like(lu)
    dx[rows] = np.linalg.inv(lower).T @ inner @ np.linalg.inv(upper).T
    return dx


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx"""
    lu, _, rows = outputs
    dlu, dx = needed(douts[0]), np.zeros_like(lu)
    for at in np.ndindex(*lu.shape[:-2]):
        dx[at] = _slope(lu[at], rows[at], dlu[at])
    return (dx,)
