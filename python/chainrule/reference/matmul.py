"""y[..., i, j] = sum over l of A[..., i, l] * B[..., l, j], with A = a or its transpose, B likewise

dA = dout @ B^T;  dB = A^T @ dout

Shapes: A (..., m, k), B (..., k, n), y (..., m, n); the leading axes broadcast. A transpose swaps
the last two axes.
Errors: rank below 2, k that differs, leading axes that do not broadcast.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed, unbroadcast


def _swap(x: Array, wanted: bool) -> Array:
    return x.swapaxes(-1, -2) if wanted else x


def forward(attrs: Attrs, a: Array, b: Array) -> Array:
    """y = A @ B"""
    y: Array = np.matmul(_swap(a, attrs["transpose_a"]), _swap(b, attrs["transpose_b"]))
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dA = dout @ B^T, dB = A^T @ dout, transposed back where the input was"""
    a, b = inputs
    if not is_float(a):
        return None, None
    dout = needed(douts[0])
    left = _swap(a, attrs["transpose_a"])  # (..., m, k)
    right = _swap(b, attrs["transpose_b"])  # (..., k, n)
    da = _swap(np.matmul(dout, right.swapaxes(-1, -2)), attrs["transpose_a"])
    db = _swap(np.matmul(left.swapaxes(-1, -2), dout), attrs["transpose_b"])
    return unbroadcast(da, a.shape), unbroadcast(db, b.shape)
