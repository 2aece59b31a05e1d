"""Colour spaces of images: grey, and hue, saturation and value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.ops._images import check_rank, image_axes
from chainrule.ops.arithmetic import maximum, minimum, mod
from chainrule.ops.comparison import equal, greater, less, where
from chainrule.ops.elementwise import absolute
from chainrule.ops.indexing import take_slice
from chainrule.ops.joining import stack
from chainrule.ops.linear import tensordot
from chainrule.ops.rounding import clip
from chainrule.ops.shaping import expand_dims
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.recording import operation

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]


def _check_channels(op: str, images: Any, data_format: str | None, counts: tuple[int, ...]) -> int:
    """The axis of channels; ShapeError unless it has one of these sizes."""
    check_rank(op, images)
    axis = image_axes(data_format)[2]
    if images.shape[axis] not in counts:
        raise ShapeError(
            f"{op}: Invalid channel size: expected {' or '.join(map(str, counts))}. Received "
            f"input with shape: images.shape={tuple(images.shape)}"
        )
    return int(axis % images.ndim)


@operation
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """``y = 0.2989 red + 0.5870 green + 0.1140 blue``, as TensorFlow's `tf.image.rgb_to_grayscale`;
    images of one channel stay as they are.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C), with 3 channels or 1; channels stand in front of H with
        ``channels_first``.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        The images' shape with one channel, in their dtype; integers lose their fraction.

    Raises
    ------
    ShapeError
        Images of another rank or number of channels.
    ValueError
        An unknown data format.
    DTypeError
        `images` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> rgb_to_grayscale(np.array([[[255, 0, 0]]], "uint8")).tolist()
    [[[76]]]
    """
    images = as_tensor(images)
    axis = _check_channels("rgb_to_grayscale", images, data_format, (3, 1))
    if images.shape[axis] == 1:
        return images
    dtype = standardize_dtype(images.dtype)
    wide = dtype if is_float_dtype(dtype) else floatx()
    weights = as_dtype(np.array([0.2989, 0.5870, 0.1140]), wide)
    grey = tensordot(as_dtype(images, wide), weights, axes=[[axis], [0]])
    return as_dtype(expand_dims(grey, axis), dtype)


def _by_planes(
    op: str,
    images: Any,
    data_format: str | None,
    function: Callable[[Any, Any, Any], tuple[Any, Any, Any]],
) -> Any:
    """`function` of the three channels, for float images."""
    images = as_tensor(images)
    axis = _check_channels(op, images, data_format, (3,))
    dtype = standardize_dtype(images.dtype)
    if not is_float_dtype(dtype):
        raise DTypeError(
            f"{op}: Invalid images dtype: expected float dtype. Received: images.dtype={dtype}"
        )
    first, second, third = (take_slice(images, axis, i) for i in range(3))
    return stack(list(function(first, second, third)), axis=axis)


def _hsv(red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
    value = maximum(maximum(red, green), blue)
    span = value - minimum(minimum(red, green), blue)
    bright, coloured = greater(value, 0.0), greater(span, 0.0)
    saturation = where(bright, span / where(bright, value, 1.0), 0.0)
    sixth = 1.0 / (6.0 * where(coloured, span, 1.0))
    # The largest channel says in which third of the circle the hue lies.
    hue = where(
        equal(value, red),
        sixth * (green - blue),
        where(
            equal(value, green),
            sixth * (blue - red) + 2.0 / 6.0,
            sixth * (red - green) + 4.0 / 6.0,
        ),
    )
    turned = where(less(hue, 0.0), hue + 1.0, hue)
    return where(coloured, turned, 0.0), saturation, value


@operation
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Hue, saturation and value of red, green and blue, all in [0, 1]; as TensorFlow's
    `tf.image.rgb_to_hsv`.

    ``value = max``, ``saturation = (max - min) / max``, and the hue is 0 for red, 1/3 for green and
    2/3 for blue.

    Parameters
    ----------
    images : tensor
        (H, W, 3), or a batch (N, H, W, 3), of a float dtype; channels stand in front of H with
        ``channels_first``.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        The images' shape and dtype.

    Raises
    ------
    DTypeError
        Images of integers, or of no numbers.
    ShapeError
        Images of another rank or number of channels.
    ValueError
        An unknown data format.

    References
    ----------
    Smith, Color Gamut Transform Pairs, 1978.

    Examples
    --------
    >>> import numpy as np
    >>> rgb_to_hsv(np.array([[[0.0, 0.5, 0.5]]])).tolist()
    [[[0.5, 1.0, 0.5]]]
    """

    def planes(red: Any, green: Any, blue: Any) -> tuple[Any, Any, Any]:
        tiny = float(np.finfo(standardize_dtype(red.dtype)).eps)
        channels = [where(less(absolute(x), tiny), 0.0, x) for x in (red, green, blue)]
        return _hsv(*channels)

    return _by_planes("rgb_to_hsv", images, data_format, planes)


@operation
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """Red, green and blue of hue, saturation and value, the inverse of `rgb_to_hsv`; as
    TensorFlow's `tf.image.hsv_to_rgb`.

    Parameters
    ----------
    images : tensor
        (H, W, 3), or a batch (N, H, W, 3), of a float dtype, with values in [0, 1] (the hue modulo
        1); channels stand in front of H with ``channels_first``.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        The images' shape and dtype.

    Raises
    ------
    DTypeError
        Images of integers, or of no numbers.
    ShapeError
        Images of another rank or number of channels.
    ValueError
        An unknown data format.

    References
    ----------
    Smith, Color Gamut Transform Pairs, 1978.

    Examples
    --------
    >>> import numpy as np
    >>> hsv_to_rgb(np.array([[[0.5, 1.0, 0.5]]])).tolist()
    [[[0.0, 0.5, 0.5]]]
    """

    def planes(hue: Any, saturation: Any, value: Any) -> tuple[Any, Any, Any]:
        turn = mod(hue, 1.0) * 6.0
        red = clip(absolute(turn - 3.0) - 1.0, 0.0, 1.0)
        green = clip(2.0 - absolute(turn - 2.0), 0.0, 1.0)
        blue = clip(2.0 - absolute(turn - 4.0), 0.0, 1.0)
        rest = 1.0 - saturation
        mixed = [value * (rest + saturation * x) for x in (red, green, blue)]
        return mixed[0], mixed[1], mixed[2]

    return _by_planes("hsv_to_rgb", images, data_format, planes)
