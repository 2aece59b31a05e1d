"""y = dout * the gradient of `cross_entropy` by its predictions, row by row

From logits y = dout (p T - t) with p = softmax(pred), T = sum of t, and Du = p * (u - sum of p u):
dpred = dout T Du;  dt = dout (sum of p u - u);  ddout = sum of u (p T - t)
Else y_i = dout (M / s - c_i t_i / pred_i) with s = sum of pred, c 1 where pred / s is inside the
clip, M = sum of c t: dpred = dout (c t u / pred^2 - M U / s^2) with U = sum of u;
dt = dout c (U / s - u / pred);  ddout = M U / s - sum of c t u / pred
(u is d loss / d y)

Shapes: pred (..., C); target (..., C), or integer labels (...) when `sparse` (t is then the
one-hot); dout (...); y as pred.
Errors: shapes that differ, a label outside [0, C).
Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2, differentiated once more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import cross_entropy
from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.softmax import softmax


def forward(attrs: Attrs, pred: Array, target: Array, dout: Array) -> Array:
    """y = dout * d loss / d pred"""
    y, _ = cross_entropy.backward(attrs, (pred, target), (), (dout,))
    return np.asarray(y)


def _by_logits(pred: Array, t: Array, dout: Array, u: Array) -> tuple[Array, Array, Array]:
    """dpred, dt and ddout, the last with a class axis of 1"""
    p = softmax(pred, -1)
    total = t.sum(axis=-1, keepdims=True)
    centred = u - (p * u).sum(axis=-1, keepdims=True)
    slope = (u * (p * total - t)).sum(axis=-1, keepdims=True)
    return dout * total * p * centred, -dout * centred, slope


def _by_shares(
    epsilon: float, pred: Array, t: Array, dout: Array, u: Array
) -> tuple[Array, Array, Array]:
    """As `_by_logits`"""
    s = pred.sum(axis=-1, keepdims=True)
    inside = (pred / s >= epsilon) & (pred / s <= 1 - epsilon)
    safe = np.where(inside, pred, 1)
    hits = np.where(inside, t, 0)
    mass = hits.sum(axis=-1, keepdims=True)
    mean = u.sum(axis=-1, keepdims=True) / s
    dpred = dout * (hits * u / np.square(safe) - mass * mean / s)
    dt = np.where(inside, dout * (mean - u / safe), 0)
    return dpred, dt, mass * mean - (hits * u / safe).sum(axis=-1, keepdims=True)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dpred, dt and ddout as in the head of this file"""
    pred, target, dout = inputs
    t = cross_entropy.targets(attrs, pred, target)
    rows = pred, t, dout[..., np.newaxis], needed(douts[0])
    if attrs["from_logits"]:
        dpred, dt, ddout = _by_logits(*rows)
    else:
        dpred, dt, ddout = _by_shares(pred.dtype.type(attrs["epsilon"]), *rows)
    return dpred, None if attrs["sparse"] else dt, ddout[..., 0]
