"""Warping and its adjoint, which are each other's gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.reference._arrays import Array, Attrs


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


def read(attrs: Attrs, images: Array, transforms: Array) -> Array:
    """y = the images at the places of the transforms"""
    y = np.zeros_like(images)
    n = np.arange(len(images))[:, np.newaxis, np.newaxis]
    for row, column, weight in reads(attrs, images.shape, transforms):
        outside = ((row < 0) | (column < 0))[..., np.newaxis]
        pixels = np.where(outside, images.dtype.type(attrs["value"]), images[n, row, column])
        y += weight[..., np.newaxis] * pixels
    return y


def add(attrs: Attrs, x: Array, transforms: Array) -> Array:
    """y = x added up at the places that warp reads"""
    y = np.zeros_like(x)
    n = np.broadcast_to(np.arange(len(x))[:, np.newaxis, np.newaxis], x.shape[:3])
    for row, column, weight in reads(attrs, x.shape, transforms):
        inside = (row >= 0) & (column >= 0)
        places = n[inside], row[inside], column[inside]
        np.add.at(y, places, (weight[..., np.newaxis] * x)[inside])
    return y
