"""x = Q R: orthonormal columns, and an upper triangle, with LAPACK's signs

m >= n: dx = (dQ + Q c(M)) R^-T, M = R dR^T - dQ^T Q, c copies what is below the diagonal above it
m < n, x = [X Y], R = [U V]: dX is that with dQ + Y dV^T, dY = Q dV

Shapes: x (..., m, n), Q (..., m, k), R (..., k, n) with k = min(m, n), or m if `complete`; the
columns that it adds have no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._matrices import turned


def forward(attrs: Attrs, x: Array) -> tuple[Array, Array]:
    """Q, R"""
    q, r = np.linalg.qr(x, mode="complete" if attrs["complete"] else "reduced")
    return q, r


def _of_square(q: Array, r: Array, dq: Array, dr: Array) -> Array:
    inner = r @ turned(np.triu(dr)) - turned(dq) @ q
    copied = np.tril(inner) + turned(np.tril(inner, -1))
    return np.asarray((dq + q @ copied) @ turned(np.linalg.inv(r)))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx"""
    (x,), (q, r) = inputs, outputs
    m, n = x.shape[-2:]
    dq, dr = (np.zeros_like(y) if d is None else d for y, d in zip(outputs, douts))
    if m < n:
        dv = dr[..., m:]
        dq = dq + x[..., m:] @ turned(dv)
        left = _of_square(q, r[..., :m], dq, dr[..., :m])
        return (np.concatenate([left, q @ dv], axis=-1),)
    return (_of_square(q[..., :n], r[..., :n, :], dq[..., :n], dr[..., :n, :]),)
