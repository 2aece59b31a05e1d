"""Images brought to the proportions of a size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["cropped", "padded"]

Array = npt.NDArray[Any]


def cropped(array: Array, size: tuple[int, int]) -> Array:
    """The centre of an image (height, width, channels), in the proportions of `size`.

    Examples
    --------
    >>> cropped(np.zeros((6, 10, 3)), (4, 4)).shape
    (6, 6, 3)
    """
    height, width = array.shape[:2]
    high = max(1, min(height, width * size[0] // size[1]))
    wide = max(1, min(width, height * size[1] // size[0]))
    top, left = (height - high) // 2, (width - wide) // 2
    return array[top : top + high, left : left + wide]


def padded(array: Array, size: tuple[int, int]) -> Array:
    """An image (height, width, channels) amid zeros, in the proportions of `size`.

    As many on one side as on the other: of an odd number, as in Keras, one is left out.

    Examples
    --------
    >>> padded(np.zeros((6, 10, 3)), (4, 4)).shape
    (10, 10, 3)
    """
    height, width = array.shape[:2]
    top = max(0, width * size[0] // size[1] - height) // 2
    left = max(0, height * size[1] // size[0] - width) // 2
    return np.pad(array, ((top, top), (left, left), (0, 0)))
