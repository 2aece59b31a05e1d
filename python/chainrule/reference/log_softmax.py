"""y_i = x_i - log(sum over j of exp(x_j)), along `axis`

dx = dout - softmax(x) * sum of dout

Shapes: y as x. The largest element of a group is subtracted first, so nothing overflows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def log_softmax(x: Array, axis: int) -> Array:
    """y = (x - max x) - log(sum of exp(x - max x))"""
    if x.size == 0:
        return np.array(x)
    shifted: Array = x - x.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))


def forward(attrs: Attrs, x: Array) -> Array:
    """y = log softmax of x along attrs["axis"]"""
    return log_softmax(x, attrs["axis"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout - softmax(x) * sum of dout"""
    dout = needed(douts[0])
    return (dout - np.exp(outputs[0]) * dout.sum(axis=attrs["axis"], keepdims=True),)
