"""Pictures as arrays, read, written and cut to size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.base.namespace import publish
from chainrule.ops import resizing
from chainrule.utils.images import array_to_img as array_to_img
from chainrule.utils.images import img_to_array as img_to_array
from chainrule.utils.images import load_img as load_img
from chainrule.utils.images import save_img as save_img


def smart_resize(
    x: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
) -> Any:
    """The largest middle part of the wanted proportions, resized: nothing is stretched.

    Parameters
    ----------
    x : array of shape (H, W, C) or (N, H, W, C)
        With `data_format` "channels_first", (C, H, W) or (N, C, H, W).
    size : pair of int
        Height and width of the result.
    interpolation : str
        As of `ops.image.resize`. Default: "bilinear".
    data_format : {"channels_last", "channels_first"}

    Raises
    ------
    ValueError
        `size` is no pair, a word is unknown, or x has another rank.

    Examples
    --------
    >>> import numpy as np
    >>> smart_resize(np.ones((200, 340, 3)), (100, 100)).shape
    (100, 100, 3)
    """
    return resizing.resize(
        x, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format
    )


publish(globals())
