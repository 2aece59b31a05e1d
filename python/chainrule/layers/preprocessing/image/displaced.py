"""Images read at a place of its own for each pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops


def displaced(
    images: Any, x: Any, y: Any, interpolation: str, fill_mode: str, fill_value: float
) -> Any:
    """``out[n, h, w] = images[n, y[n, h, w], x[n, h, w]]``, between pixels the bilinear mean.

    Parameters
    ----------
    images : tensor
        (N, H, W, C).
    x, y : tensor
        (N, H, W): columns and rows.
    interpolation : {"bilinear", "nearest"}
    fill_mode : {"constant", "nearest", "reflect", "mirror", "wrap"}
        As in `ops.image.affine_transform`.
    fill_value : float

    Examples
    --------
    >>> images = np.array([[[[1.0], [2.0], [3.0]]]])
    >>> x, y = np.array([[[0.5, 1.0, 3.0]]]), np.zeros((1, 1, 3))
    >>> displaced(images, x, y, "bilinear", "nearest", 0.0).ravel().tolist()
    [1.5, 2.0, 3.0]
    """
    batch, height, width, channels = images.shape
    pixels = ops.reshape(images, (-1, channels))
    first = np.arange(batch, dtype="int32").reshape(-1, 1, 1) * (height * width)

    def read(row: Any, column: Any) -> Any:
        v, u = _index(row, height, fill_mode), _index(column, width, fill_mode)
        place = first + ops.cast(v, "int32") * width + ops.cast(u, "int32")
        found = ops.take(pixels, place, axis=0)
        if fill_mode != "constant":
            return found
        inside = ops.logical_and(ops.equal(u, column), ops.equal(v, row))
        return ops.where(ops.expand_dims(inside, -1), found, fill_value)

    if interpolation == "nearest":
        return read(_round(y), _round(x))
    top, left = ops.floor(y), ops.floor(x)
    down, right = (ops.cast(ops.expand_dims(p, -1), images.dtype) for p in (y - top, x - left))
    upper = read(top, left) * (1.0 - right) + read(top, left + 1.0) * right
    lower = read(top + 1.0, left) * (1.0 - right) + read(top + 1.0, left + 1.0) * right
    return upper * (1.0 - down) + lower * down


def _round(x: Any) -> Any:
    """The nearest whole number, halves away from zero."""
    return ops.sign(x) * ops.floor(ops.abs(x) + 0.5)


def _index(i: Any, n: int, fill_mode: str) -> Any:
    """The index in [0, n) whose pixel stands at the whole number i."""
    if fill_mode in ("constant", "nearest") or n == 1:
        return ops.clip(i, 0, n - 1)
    if fill_mode == "wrap":
        return i - n * ops.floor(i / n)
    period, last = (2 * n, 2 * n - 1) if fill_mode == "reflect" else (2 * n - 2, 2 * n - 2)
    turned = i - period * ops.floor(i / period)
    return ops.minimum(turned, last - turned)
