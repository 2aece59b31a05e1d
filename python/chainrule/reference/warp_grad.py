"""y = zeros with y[n, v, u] += weight * x[n, i, j] for every pixel that warp reads for (i, j)

dx = warp of dout with the value 0; no gradient flows into the transforms

Shapes: x (N, H, W, C), transforms (N, 8), y as x: the adjoint of `warp` by the images.
Errors: images without pixels, transforms of another number or length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import warp
from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, x: Array, transforms: Array) -> Array:
    """y = x added up at the places that warp reads"""
    y = np.zeros_like(x)
    n = np.broadcast_to(np.arange(len(x))[:, np.newaxis, np.newaxis], x.shape[:3])
    for row, column, weight in warp.reads(attrs, x.shape, transforms):
        inside = (row >= 0) & (column >= 0)
        places = n[inside], row[inside], column[inside]
        np.add.at(y, places, (weight[..., np.newaxis] * x)[inside])
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = warp of dout with the value 0"""
    dx = warp.forward({**attrs, "value": 0.0}, needed(douts[0]), inputs[1])
    return dx, None
