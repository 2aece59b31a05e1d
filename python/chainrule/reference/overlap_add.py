"""y[..., t] = sum over f of x[..., f, t - f * stride], from the first f to the last

dx[..., f, j] = dy[..., f * stride + j]

Shapes: x (..., F, length), y (..., size) that holds F windows of this length, and no more, in steps
of `stride`. Dtypes: numbers. Errors: another number of windows, fewer than two axes.
Source: Allen & Rabiner, A unified approach to short-time Fourier analysis and synthesis, 1977.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y as in the head of this file"""
    frames, length = x.shape[-2:]
    y = np.zeros((*x.shape[:-2], attrs["size"]), x.dtype)
    for f in range(frames):
        start = f * attrs["stride"]
        y[..., start : start + length] += x[..., f, :]
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx[..., f, j] = dy[..., f * stride + j]"""
    dx, dout = np.zeros_like(inputs[0]), needed(douts[0])
    length = dx.shape[-1]
    for f in range(dx.shape[-2]):
        start = f * attrs["stride"]
        dx[..., f, :] = dout[..., start : start + length]
    return (dx,)
