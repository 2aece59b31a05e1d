"""y = zeros with y[n, v, u] += weight * x[n, i, j] for every pixel that warp reads for (i, j)

dx = warp of dout with the value 0; no gradient flows into the transforms

Shapes: x (N, H, W, C), transforms (N, 8), y as x: the adjoint of `warp` by the images.
Errors: images without pixels, transforms of another number or length.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import _warping
from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, x: Array, transforms: Array) -> Array:
    """y = x added up at the places that warp reads"""
    return _warping.add(attrs, x, transforms)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = warp of dout with the value 0"""
    dx = _warping.read({**attrs, "value": 0.0}, needed(douts[0]), inputs[1])
    return dx, None
