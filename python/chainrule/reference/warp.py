"""y[n, i, j] = images[n, v, u] with u = (a0 j + a1 i + a2) / k, v = (b0 j + b1 i + b2) / k and
k = c0 j + c1 i + 1, for the transforms (a0, a1, a2, b0, b1, b2, c0, c1)

dimages = dout added up at the pixels that were read, with their weights (warp_grad); no gradient
flows into the transforms

Shapes: images (N, H, W, C), transforms (N, 8), y as images. Nearest reads the pixel (round v,
round u), halves away from zero; bilinear the four around (v, u), with the weights of the opposite
rectangles. A pixel outside the image is taken as the fill rule says: the value itself, the nearest
pixel, the image mirrored with (reflect) or without (mirror) its edge doubled, or repeated (wrap).
Errors: images without pixels, transforms of another number or length.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import _warping
from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, images: Array, transforms: Array) -> Array:
    """y = the images at the places of the transforms"""
    return _warping.read(attrs, images, transforms)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dimages = dout added up where it was read"""
    rule = {"method": attrs["method"], "fill": attrs["fill"]}
    return _warping.add(rule, needed(douts[0]), inputs[1]), None
