"""Small filters over images, channel by channel."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.tracing.dispatch import apply


def gaussian_weights(size: int, sigma: Any) -> Any:
    """(size,): ``exp(-x^2 / (2 sigma^2))`` around the middle, of sum 1.

    Examples
    --------
    >>> import numpy as np
    >>> gaussian_weights(3, np.array(1.0)).round(3).tolist()
    [0.274, 0.452, 0.274]
    """
    place = ops.arange(size, dtype=sigma.dtype) - (size - 1) / 2
    weights = ops.exp(-0.5 * ops.square(place / sigma))
    return weights / ops.sum(weights)


def filter_images(images: Any, kernel: Any) -> Any:
    """The filter (h, w), odd in size, over each channel of images (N, H, W, C); zeros outside.

    Examples
    --------
    >>> import numpy as np
    >>> filter_images(np.ones((1, 1, 3, 1)), np.ones((1, 3))).ravel().tolist()
    [2.0, 3.0, 2.0]
    """
    channels = images.shape[-1]
    rows, columns = kernel.shape
    attrs = {
        "strides": [1, 1],
        "padding": [rows // 2, rows // 2, columns // 2, columns // 2],
        "dilations": [1, 1],
        "groups": channels,
        "activation": "linear",
    }
    kernel = ops.cast(ops.reshape(kernel, (rows, columns, 1, 1)), images.dtype)
    kernel = ops.broadcast_to(kernel, (rows, columns, 1, channels))
    return apply("conv", attrs, [images, kernel])


def channels_last(images: Any, data_format: str) -> Any:
    """The images as (N, H, W, C)."""
    return ops.transpose(images, (0, 2, 3, 1)) if data_format == "channels_first" else images


def channels_back(images: Any, data_format: str) -> Any:
    """The images of `channels_last` in their own layout."""
    return ops.transpose(images, (0, 3, 1, 2)) if data_format == "channels_first" else images
