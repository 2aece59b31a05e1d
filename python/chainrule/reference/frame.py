"""y[..., f, j] = x[..., f * stride + j], for all f whose windows lie inside

dx[..., t] = sum over f of dy[..., f, t - f * stride]

Shapes: x (..., n), y (..., (n - length) // stride + 1, length), no windows where n < length.
Dtypes: any. Errors: no axis, a length or stride below 1.
Source: Allen & Rabiner, A unified approach to short-time Fourier analysis and synthesis, 1977.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def count(n: int, length: int, stride: int) -> int:
    """Windows that lie inside n elements."""
    return max(0, (n - length) // stride + 1)


def forward(attrs: Attrs, x: Array) -> Array:
    """y[..., f, j] = x[..., f * stride + j]"""
    length, stride = attrs["length"], attrs["stride"]
    y = np.zeros((*x.shape[:-1], count(x.shape[-1], length, stride), length), x.dtype)
    for f in range(y.shape[-2]):
        y[..., f, :] = x[..., f * stride : f * stride + length]
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx as in the head of this file"""
    length, stride = attrs["length"], attrs["stride"]
    dx, dout = np.zeros_like(inputs[0]), needed(douts[0])
    for f in range(dout.shape[-2]):
        dx[..., f * stride : f * stride + length] += dout[..., f, :]
    return (dx,)
