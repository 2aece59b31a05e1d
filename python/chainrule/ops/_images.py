"""What the image functions share: one layout for all images, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.base.config import floatx, standardize_data_format
from chainrule.base.dtypes import is_float_dtype, is_int_dtype, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.ops._common import binary, unary
from chainrule.ops.conversion import saturate_cast
from chainrule.ops.rounding import trunc
from chainrule.ops.shaping import expand_dims, squeeze, transpose
from chainrule.tracing.casting import as_dtype, as_tensor

__all__ = ["as_batch", "check_choice", "check_rank", "image_axes", "in_float", "round_away"]


def check_choice(op: str, name: str, value: Any, choices: tuple[str, ...]) -> None:
    """ValueError unless `value` is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"{op}: Invalid value for argument `{name}`. Expected one of {choices}. "
            f"Received: {name}={value!r}"
        )


def check_rank(op: str, images: Any) -> None:
    """ShapeError unless `images` is one image or a batch of them."""
    if len(images.shape) not in (3, 4):
        raise ShapeError(
            f"{op}: Invalid images rank: expected rank 3 (single image) or rank 4 (batch of "
            f"images). Received input with shape: images.shape={tuple(images.shape)}"
        )


def image_axes(data_format: str | None) -> tuple[int, int, int]:
    """Height, width and channels, counted from the end."""
    first = standardize_data_format(data_format) == "channels_first"
    return (-2, -1, -3) if first else (-3, -2, -1)


def as_batch(
    op: str, images: Any, data_format: str | None
) -> tuple[Any, Callable[[Any], Any]]:
    """The images as (N, H, W, C), and the function that gives a result the layout they had.

    Examples
    --------
    >>> import numpy as np
    >>> batch, back = as_batch("resize", np.zeros((3, 4, 5)), "channels_first")
    >>> batch.shape, back(batch).shape
    ((1, 4, 5, 3), (3, 4, 5))
    """
    images = as_tensor(images)
    check_rank(op, images)
    single = images.ndim == 3
    first = standardize_data_format(data_format) == "channels_first"
    if single:
        images = expand_dims(images, 0)
    if first:
        images = transpose(images, (0, 2, 3, 1))

    def back(result: Any) -> Any:
        if first:
            result = transpose(result, (0, 3, 1, 2))
        return squeeze(result, 0) if single else result

    return images, back


def round_away(x: Any) -> Any:
    """The nearest integers, halves away from zero."""
    half = binary("mul", unary("sign", x), as_dtype(0.5, standardize_dtype(x.dtype)))
    return trunc(binary("add", x, half))


def in_float(
    images: Any, function: Callable[[Any], Any], round_to_even: bool = False
) -> Any:
    """`function` of the images in a float dtype, in the dtype that they came in.

    Integers are rounded (halves away from zero, or to the even one) and kept in their range.
    """
    dtype = standardize_dtype(images.dtype)
    if is_float_dtype(dtype):
        return function(images)
    result = function(as_dtype(images, floatx()))
    if is_int_dtype(dtype):
        result = unary("round", result) if round_to_even else round_away(result)
    return saturate_cast(result, dtype)


def shown_part(
    own: tuple[Any, Any], size: tuple[int, int], cropped: bool = False, padded: bool = False
) -> list[tuple[Any, Any]]:
    """(begin, length) along height and width of the part of an image that `resize` shows.

    It begins below 0 where the image is padded.

    Examples
    --------
    >>> shown_part((10, 8), (20, 20), cropped=True), shown_part((10, 8), (20, 20), padded=True)
    ([(1, 8), (0, 8)], [(0, 10), (-1, 10)])
    """
    whole = [(0, length) for length in own]
    if not (cropped or padded):
        return whole
    fitting = (int(float(own[1] * size[0]) / size[1]), int(float(own[0] * size[1]) / size[0]))
    if cropped:
        kept = [max(min(length, fit), 1) for length, fit in zip(own, fitting)]
        return [((length - part) // 2, part) for length, part in zip(own, kept)]
    for axis, (length, fit) in enumerate(zip(own, fitting)):
        margin = (max(length, fit) - length) // 2
        if margin > 0:
            whole[axis] = (-margin, length + 2 * margin)
            break
    return whole
