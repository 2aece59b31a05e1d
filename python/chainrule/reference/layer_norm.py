"""y = gamma * h + beta with h = (x - mean) / sqrt(variance + epsilon), over the trailing `axes`

dx = (g - mean of g - h * mean of g h) / sqrt(variance + epsilon) with g = dout * gamma;
dgamma = sum of dout * h, dbeta = sum of dout, both over the leading axes

Shapes: x (leading, axes), gamma and beta (axes), y as x. The variance is the biased one.
Errors: axes that are not the last ones, gamma or beta of another shape.
Source: Ba, Kiros and Hinton, Layer Normalization, 2016 (arXiv 1607.06450).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def standardise(attrs: Attrs, x: Array) -> tuple[Array, Array]:
    """h and 1 / sqrt(variance + epsilon)"""
    axes = tuple(attrs["axes"])
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    scale = (1 / np.sqrt(variance + x.dtype.type(attrs["epsilon"]))).astype(x.dtype)
    return centred * scale, scale


def forward(attrs: Attrs, x: Array, gamma: Array, beta: Array) -> Array:
    """y = gamma * h + beta"""
    return gamma * standardise(attrs, x)[0] + beta


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, dgamma and dbeta as in the head of this file"""
    x, gamma, _ = inputs
    dout = needed(douts[0])
    axes = tuple(attrs["axes"])
    leading = tuple(range(x.ndim - len(axes)))
    h, scale = standardise(attrs, x)
    g = dout * gamma
    mean_g = g.mean(axis=axes, keepdims=True)
    mean_gh = (g * h).mean(axis=axes, keepdims=True)
    dx = (g - mean_g - h * mean_gh) * scale
    return dx, (dout * h).sum(axis=leading), dout.sum(axis=leading)
