"""y = -(t * log p + (1 - t) * log(1 - p)), element by element

From logits p = sigmoid(x), so y = max(x, 0) - x t + log1p(exp(-|x|)):
dx = dout * (sigmoid(x) - t);  dt = -dout * x
Else p = clip(x, epsilon, 1 - epsilon):
dx = dout * ((1 - t) / (1 - p) - t / p) inside the clip, 0 outside;  dt = dout * (log(1-p) - log p)

Shapes: x, t and y the same. Dtypes: floats.
Errors: shapes that differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.unary import sigmoid, softplus


def _clip(attrs: Attrs, x: Array) -> tuple[Array, Array]:
    """p, and where the clip lets the gradient through"""
    epsilon = x.dtype.type(attrs["epsilon"])
    return np.clip(x, epsilon, 1 - epsilon), (x >= epsilon) & (x <= 1 - epsilon)


def forward(attrs: Attrs, x: Array, t: Array) -> Array:
    """y = -(t * log p + (1 - t) * log(1 - p))"""
    if attrs["from_logits"]:
        wrong = np.where(x > 0, 1 - t, t)
        with np.errstate(invalid="ignore"):
            far = np.where(wrong == 0, 0, np.abs(x) * wrong)
            return np.asarray(np.where(np.isinf(x), far, softplus(x) - x * t))
    p, _ = _clip(attrs, x)
    return np.asarray(-(t * np.log(p) + (1 - t) * np.log(1 - p)))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx and dt as in the head of this file"""
    x, t = inputs
    dout = needed(douts[0])
    if attrs["from_logits"]:
        return dout * (sigmoid(x) - t), -dout * x
    p, inside = _clip(attrs, x)
    dx = np.where(inside, dout * ((1 - t) / (1 - p) - t / p), 0)
    return dx, dout * (np.log(1 - p) - np.log(p))
