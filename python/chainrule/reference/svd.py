"""x = U diag(s) V^T, s descending, the largest element of each column of U positive

With F_ij = 1 / (s_j^2 - s_i^2), A = F * U^T dU, B = F * V^T dV:
dx = U ((A + A^T) S + diag(ds) + S (B + B^T)) V^T + (1 - U U^T) dU S^-1 V^T
     + U S^-1 dV^T (1 - V V^T)

Shapes: x (..., m, n), k = min(m, n), U (..., m, k), s (..., k), V^T (..., k, n), or U (..., m, m)
and V^T (..., n, n) if `full`: by the last columns of the Householder QR of x or of its transpose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._matrices import by_differences, sign_of_largest, turned


def _whole(basis: Array, x: Array) -> Array:
    """Columns that span what those of x span, and those that are orthogonal to them."""
    rest = np.linalg.qr(x, mode="complete")[0][..., basis.shape[-1] :]
    return np.concatenate([basis, rest], axis=-1)


def forward(attrs: Attrs, x: Array) -> tuple[Array, Array, Array]:
    """U, s, V^T"""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    signs = sign_of_largest(u)
    u, vt = u * signs, turned(signs) * vt
    if attrs["full"] and x.shape[-2] > x.shape[-1]:
        u = _whole(u, x)
        u = u * sign_of_largest(u)
    if attrs["full"] and x.shape[-2] < x.shape[-1]:
        vt = turned(_whole(turned(vt), turned(x)))
    return u, s, vt


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx"""
    s = outputs[1]
    k = s.shape[-1]
    du, ds, dvt = (np.zeros_like(y) if d is None else d for y, d in zip(outputs, douts))
    u, v = outputs[0][..., :k], turned(outputs[2][..., :k, :])
    du, dv = du[..., :k], turned(dvt[..., :k, :])
    square, size = np.square(s), s[..., None, :]
    a, b = (by_differences(square, turned(y) @ d) for y, d in ((u, du), (v, dv)))
    inner = (a + turned(a)) * size + np.eye(k) * ds[..., None, :] + turned(size) * (b + turned(b))
    dx = u @ inner @ turned(v)
    dx = dx + (du - u @ (turned(u) @ du)) / size @ turned(v)
    return (dx + u @ turned((dv - v @ (turned(v) @ dv)) / size),)
