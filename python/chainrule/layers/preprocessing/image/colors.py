"""Colour spaces of images, plane by plane, so that what follows fuses with the conversion."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.errors import ShapeError

Planes = tuple[Any, Any, Any]

_LUMA = (0.2989, 0.5870, 0.1140)


def check_channels(shape: Any, axis: int, allowed: tuple[int, ...] = (3,)) -> None:
    """ShapeError unless the axis has one of the `allowed` sizes."""
    channels = shape[axis]
    if channels is not None and channels not in allowed:
        expected = " or ".join(map(str, allowed))
        raise ShapeError(
            f"expected images with {expected} channels, but received shape {tuple(shape)}"
        )


def to_grayscale(images: Any, axis: int) -> Any:
    """``0.2989 r + 0.587 g + 0.114 b``, the channel axis kept with one entry.

    Raises
    ------
    ShapeError
        For images without one or three channels.

    Examples
    --------
    >>> to_grayscale(np.array([[[100.0, 50.0, 10.0]]]), -1).round(2).tolist()
    [[[60.38]]]
    """
    check_channels(images.shape, axis, (1, 3))
    if images.shape[axis] == 1:
        return images
    weights = np.reshape(np.array(_LUMA), [3 if i == axis % 3 else 1 for i in range(3)])
    return ops.sum(images * ops.cast(weights, images.dtype), axis=axis, keepdims=True)


def to_hsv(images: Any, axis: int) -> Planes:
    """Hue, saturation and value in [0, 1], [0, 1] and the images' range, each with one channel.

    Values closer to 0 than the dtype's epsilon count as 0.

    Raises
    ------
    ShapeError
        For images without three channels.

    Notes
    -----
    Smith 1978, Color gamut transform pairs, SIGGRAPH.

    Examples
    --------
    >>> [float(plane.item()) for plane in to_hsv(np.array([[[0.0, 2.0, 0.0]]]), -1)]
    [0.3333333333333333, 1.0, 2.0]
    """
    check_channels(images.shape, axis)
    tiny = float(np.finfo(_stored(images.dtype)).eps)
    planes = (
        ops.where(ops.abs(plane) < tiny, 0.0, plane) for plane in ops.split(images, 3, axis=axis)
    )
    r, g, b = planes
    value = ops.maximum(ops.maximum(r, g), b)
    spread = value - ops.minimum(ops.minimum(r, g), b)
    coloured = spread > 0
    saturation = ops.where(value > 0, spread / ops.where(value > 0, value, 1.0), 0.0)
    scale = 1.0 / (6.0 * ops.where(coloured, spread, 1.0))
    hue = ops.where(
        ops.equal(value, g), scale * (b - r) + 2.0 / 6.0, scale * (r - g) + 4.0 / 6.0
    )
    hue = ops.where(ops.equal(value, r), scale * (g - b), hue)
    hue = ops.where(coloured, ops.where(hue < 0.0, hue + 1.0, hue), 0.0)
    return hue, saturation, value


def from_hsv(planes: Planes, axis: int, bounds: tuple[float, float] | None = None) -> Any:
    """The images of such planes; values are cut at `bounds` where given.

    Examples
    --------
    >>> hue, saturation, value = (np.full((1, 1, 1), v) for v in (0.5, 1.0, 4.0))
    >>> from_hsv((hue, saturation, value), -1).tolist()
    [[[0.0, 4.0, 4.0]]]
    """
    hue, saturation, value = planes
    angle = ops.mod(hue, 1.0) * 6.0
    colour = (
        ops.clip(ops.abs(angle - 3.0) - 1.0, 0.0, 1.0),
        ops.clip(2.0 - ops.abs(angle - 2.0), 0.0, 1.0),
        ops.clip(2.0 - ops.abs(angle - 4.0), 0.0, 1.0),
    )
    channels = [value * (1.0 - saturation + saturation * c) for c in colour]
    if bounds is not None:
        channels = [ops.clip(c, *bounds) for c in channels]
    return ops.concatenate(channels, axis=axis)


def _stored(dtype: Any) -> str:
    name = str(dtype)
    return "float32" if name == "bfloat16" else name
