"""y = d loss / d x of `layer_norm`, and z = dout * h, from x, gamma and dout

y = s P(g) with g = dout * gamma, s = 1 / sqrt(variance + epsilon), h = (x - mean) s and
P(a) = a - mean of a - h * mean of a h, all over the trailing `axes`

With u = d loss / d y and v = d loss / d z, by the product rule:
dg = s P(u), since P is symmetric;  ddout = gamma * dg + v * h;  dgamma = sum of dout * dg over the
leading axes;  dh = v * dout - s (u * mean of g h + g * mean of u h);  ds = sum of u P(g)
and through h and s, since dh_i/dx_j = s P_ij and ds/dx_j = -s^2 h_j / n:
dx = s P(dh) - s^2 h ds / n

Shapes: x, dout, y and z (leading, axes), gamma (axes).
Errors: as `layer_norm`; dout of another shape.
Source: Ba, Kiros and Hinton, Layer Normalization, 2016 (arXiv 1607.06450), differentiated once more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import layer_norm
from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, x: Array, gamma: Array, dout: Array) -> tuple[Array, Array]:
    """y = s P(dout * gamma), z = dout * h"""
    axes = tuple(attrs["axes"])
    h, s = layer_norm.standardise(attrs, x)
    return s * _project(axes, h, dout * gamma), dout * h


def _mean(axes: tuple[int, ...], a: Array) -> Array:
    return np.asarray(a.mean(axis=axes, keepdims=True))


def _project(axes: tuple[int, ...], h: Array, a: Array) -> Array:
    """P(a)"""
    return np.asarray(a - _mean(axes, a) - h * _mean(axes, a * h))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, dgamma and ddout as in the head of this file"""
    x, gamma, dout = inputs
    u, v = needed(douts[0]), needed(douts[1])
    axes = tuple(attrs["axes"])
    leading = tuple(range(x.ndim - len(axes)))
    h, s = layer_norm.standardise(attrs, x)
    g = dout * gamma
    dg = s * _project(axes, h, u)
    dh = v * dout - s * (u * _mean(axes, g * h) + g * _mean(axes, u * h))
    ds_over_n = _mean(axes, u * _project(axes, h, g))
    dx = s * _project(axes, h, dh) - np.square(s) * h * ds_over_n
    return dx, (dout * dg).sum(axis=leading), gamma * dg + v * h
