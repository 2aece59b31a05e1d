"""y = gamma * h + beta with h = (x - mean) / sqrt(variance + epsilon), channel by channel

dx = (g - mean of g - h * mean of g h) / sqrt(variance + epsilon)
     + (dmean + 2 (x - mean) dvariance) / n, with g = dout * gamma;
dgamma = sum of dout * h, dbeta = sum of dout

Shapes: x (..., C), gamma and beta (C,); outputs y as x, mean (C,), variance (C,). Means and sums
run over the n rows of all but the last axis; the variance is the biased one. This is the training
form.
Errors: gamma or beta of another length, no rows.
Source: Ioffe and Szegedy, Batch Normalization, 2015 (arXiv 1502.03167).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def _rows(x: Array) -> Array:
    """(..., C) as (n, C)"""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def forward(attrs: Attrs, x: Array, gamma: Array, beta: Array) -> tuple[Array, Array, Array]:
    """y, mean, variance"""
    mean = _rows(x).mean(axis=0)
    variance = np.square(_rows(x) - mean).mean(axis=0)
    h = (x - mean) / np.sqrt(variance + x.dtype.type(attrs["epsilon"]))
    return gamma * h + beta, mean, variance


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, dgamma and dbeta as in the head of this file"""
    x, gamma, _ = inputs
    _, mean, variance = outputs
    dy, dmean, dvariance = (needed(dout) for dout in douts)
    deviation = np.sqrt(variance + x.dtype.type(attrs["epsilon"]))
    centred = _rows(x) - mean  # (n, C)
    h = centred / deviation
    dout = _rows(dy)
    g = dout * gamma
    through_y = (g - g.mean(axis=0) - h * (g * h).mean(axis=0)) / deviation
    through_statistics = (dmean + 2 * centred * dvariance) / len(centred)
    dx = (through_y + through_statistics).reshape(x.shape)
    return dx, (dout * h).sum(axis=0), dout.sum(axis=0)
