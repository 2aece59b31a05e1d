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

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.reference import warp_grad
from chainrule.reference._arrays import Array, Attrs, needed


def _inside(fill: str, index: Array, size: int) -> Array:
    """The index of the pixel that stands for one outside the image; -1 for the constant"""
    if fill == "constant":
        return np.where((index >= 0) & (index < size), index, -1)
    if fill == "nearest":
        return np.asarray(np.clip(index, 0, size - 1))
    if fill == "wrap":
        return np.mod(index, size)
    if fill == "reflect":
        # ... 1 0 | 0 1 2 ... n-1 | n-1 ... has the period 2 n.
        index = np.mod(index, 2 * size)
        return np.asarray(np.minimum(index, 2 * size - 1 - index))
    # ... 2 1 | 0 1 2 ... n-1 | n-2 ... has the period 2 n - 2.
    period = max(2 * size - 2, 1)
    index = np.mod(index, period)
    return np.minimum(index, period - index) if size > 1 else np.zeros_like(index)


def _steps(method: str, place: Array) -> list[tuple[Array, Array]]:
    """The pixels that count at a place on one axis, with their weights"""
    if method == "nearest":
        index = np.trunc(place + np.copysign(0.5, place)).astype(np.int64)
        return [(index, np.ones_like(place))]
    lower = np.floor(place)
    index = lower.astype(np.int64)
    return [(index, 1 - (place - lower)), (index + 1, place - lower)]


def reads(
    attrs: Attrs, shape: tuple[int, ...], transforms: Array
) -> Iterator[tuple[Array, Array, Array]]:
    """Row, column and weight (N, H, W) of each pixel that is read; -1 for what is outside"""
    a0, a1, a2, b0, b1, b2, c0, c1 = transforms.T[:, :, np.newaxis, np.newaxis]
    i, j = np.ogrid[: shape[1], : shape[2]]
    k = c0 * j + c1 * i + 1
    u, v = (a0 * j + a1 * i + a2) / k, (b0 * j + b1 * i + b2) / k
    for row, up in _steps(attrs["method"], v):
        for column, left in _steps(attrs["method"], u):
            yield (
                _inside(attrs["fill"], row, shape[1]),
                _inside(attrs["fill"], column, shape[2]),
                up * left,
            )


def forward(attrs: Attrs, images: Array, transforms: Array) -> Array:
    """y = the images at the places of the transforms"""
    y = np.zeros_like(images)
    n = np.arange(len(images))[:, np.newaxis, np.newaxis]
    for row, column, weight in reads(attrs, images.shape, transforms):
        outside = ((row < 0) | (column < 0))[..., np.newaxis]
        pixels = np.where(outside, images.dtype.type(attrs["value"]), images[n, row, column])
        y += weight[..., np.newaxis] * pixels
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dimages = dout added up where it was read"""
    rule = {"method": attrs["method"], "fill": attrs["fill"]}
    return warp_grad.forward(rule, needed(douts[0]), inputs[1]), None
