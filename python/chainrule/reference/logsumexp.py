"""y = log(sum of exp(x)) over `axes`

dx = dout * exp(x - y), which is dout * softmax(x)

Shapes: y is x without `axes`, or with size 1 there when `keepdims`. The largest element is
subtracted first; a group of -infinity only gives -infinity.
Errors: an axis outside the rank, a group of no elements.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = max x + log(sum of exp(x - max x))"""
    axes = tuple(attrs["axes"])
    top = x.max(axis=axes, keepdims=True)
    finite_top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        y = np.log(np.exp(x - finite_top).sum(axis=axes, keepdims=True)) + finite_top
    return np.asarray(y if attrs["keepdims"] else y.squeeze(axis=axes))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout * exp(x - y), shared by the largest where they are infinite"""
    (x,) = inputs
    axes = tuple(attrs["axes"])
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    y = outputs[0].reshape(kept)
    reached = (x == y).astype(x.dtype)
    with np.errstate(all="ignore"):
        endless = reached / reached.sum(axis=axes, keepdims=True)
        share = np.where(np.isinf(y), endless, np.exp(x - y))
    return (needed(douts[0]).reshape(kept) * share,)
