"""y[n, h, w, c] = sum over i, j of R[i, h] C[j, w] x[n, i, j, c]: the adjoint of resize

dx[n, i, j, c] = sum over h, w of R[i, h] C[j, w] dout[n, h, w, c] (resize)

Shapes: x (N, H, W, C), y (N, size[0], size[1], C); R and C are the matrices with which `resize`
makes images of x's size of images of y's.
Errors: a size of 0, images without pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import _resizing
from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = R^T x C for every image and channel"""
    return _resizing.adjoint(attrs, x)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = R dout C^T"""
    (x,) = inputs
    return (_resizing.resized({**attrs, "size": x.shape[1:3]}, needed(douts[0])),)
