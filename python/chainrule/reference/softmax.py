"""y_i = exp(x_i) / sum over j of exp(x_j), along `axis`

dx = y * (dout - sum of dout * y)

Shapes: y as x. The largest element of a group is subtracted first, so nothing overflows.
Source: Goodfellow, Bengio and Courville, Deep Learning, sections 4.1 and 6.2.2.3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def softmax(x: Array, axis: int) -> Array:
    """y = exp(x - max x) / sum of the same"""
    if x.size == 0:
        return np.array(x)
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    y: Array = e / e.sum(axis=axis, keepdims=True)
    return y


def forward(attrs: Attrs, x: Array) -> Array:
    """y = softmax of x along attrs["axis"]"""
    return softmax(x, attrs["axis"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = y * (dout - sum of dout * y)"""
    y, dout = outputs[0], needed(douts[0])
    return (y * (dout - (dout * y).sum(axis=attrs["axis"], keepdims=True)),)
