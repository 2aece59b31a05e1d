"""How much boxes overlap."""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base.config import epsilon
from chainrule.base.errors import ShapeError
from chainrule.utils.box_layouts import convert_format, coordinates, size_of

__all__ = ["compute_ciou", "compute_iou"]


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Any = None,
) -> Any:
    """``|A and B| / |A or B|`` for every A of `boxes1` and every B of `boxes2`.

    Parameters
    ----------
    boxes1 : tensor, (M, 4) or (B, M, 4)
    boxes2 : tensor, (N, 4) or (B, N, 4)
    bounding_box_format : str
        The layout of both.
    use_masking : bool
        Whether boxes without a number above 0, as padding has, get `mask_val`. Default False.
    mask_val : float
        Default -1.
    image_shape : tuple, optional
        (height, width, channels); required with relative layouts.

    Returns
    -------
    tensor, (M, N) or (B, M, N)

    Raises
    ------
    ShapeError
        For boxes of another rank.
    ValueError
        For an unknown layout, or a relative one without `image_shape`.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[0.0, 0.0, 2.0, 1.0], [5, 5, 6, 6]])
    >>> compute_iou(a, b, "xyxy").tolist()
    [[0.5, 0.0]]
    """
    size = size_of(image_shape, bounding_box_format)
    both = []
    for name, boxes in (("boxes1", boxes1), ("boxes2", boxes2)):
        rank = len(ops.shape(boxes))
        if rank not in (2, 3):
            raise ShapeError(
                f"compute_iou() expects {name} to be batched, or to be unbatched: 3 or 2 axes. "
                f"Received len({name}.shape)={rank}"
            )
        both.append(convert_format(boxes, bounding_box_format, "xyxy", *size))
    first = ops.expand_dims(both[0], -2)  # (..., M, 1, 4)
    second = ops.expand_dims(both[1], -3)  # (..., 1, N, 4)
    common = _common_area(first, second)
    union = _area(first) + _area(second) - common
    result = ops.squeeze(common / (union + epsilon()), -1)
    if not use_masking:
        return result
    padding = ops.logical_or(ops.max(first, -1) < 0.0, ops.max(second, -1) < 0.0)
    return ops.where(padding, ops.cast(mask_val, result.dtype), result)


def compute_ciou(
    boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None
) -> Any:
    """The complete IoU of pairs: ``IoU - d^2 / c^2 - a v``.

    d is the distance of the middles, c the diagonal of the smallest box around both,
    ``v = 4 / pi^2 (arctan(w2 / h2) - arctan(w1 / h1))^2`` and ``a = v / (1 - IoU + v)``.

    Parameters
    ----------
    boxes1, boxes2 : tensor, (..., 4)
        Shapes that broadcast; the first goes with the first.
    bounding_box_format : str
        The layout of both.
    image_shape : tuple, optional
        (height, width, channels); required with relative layouts.

    Returns
    -------
    tensor, (...,)

    Raises
    ------
    ValueError
        For an unknown layout, or a relative one without `image_shape`.

    Notes
    -----
    Zheng et al. 2020, Distance-IoU loss: faster and better learning for bounding box regression,
    AAAI.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 2.0]])
    >>> round(float(compute_ciou(a, b, "xyxy")[0]), 3)
    0.256
    """
    size = size_of(image_shape, bounding_box_format)
    first, second = (
        convert_format(boxes, bounding_box_format, "xyxy", *size) for boxes in (boxes1, boxes2)
    )
    small = epsilon()
    common = _common_area(first, second)
    iou = common / (_area(first) + _area(second) - common + small)
    left1, top1, right1, bottom1 = coordinates(first)
    left2, top2, right2, bottom2 = coordinates(second)
    distance = ops.square((left1 + right1 - left2 - right2) / 2.0)
    distance = distance + ops.square((top1 + bottom1 - top2 - bottom2) / 2.0)
    across = ops.maximum(right1, right2) - ops.minimum(left1, left2)
    down = ops.maximum(bottom1, bottom2) - ops.minimum(top1, top2)
    diagonal = ops.square(across) + ops.square(down) + small
    slopes = [
        ops.arctan((right - left) / (bottom - top + small))
        for left, top, right, bottom in (
            (left1, top1, right1, bottom1),
            (left2, top2, right2, bottom2),
        )
    ]
    v = 4.0 / math.pi**2 * ops.square(slopes[1] - slopes[0])
    share = v / (v - iou + (1.0 + small))
    return ops.squeeze(iou - distance / diagonal - share * v, -1)


def _area(boxes: Any) -> Any:
    """(..., 1) of boxes ``xyxy``."""
    left, top, right, bottom = coordinates(boxes)
    return (right - left) * (bottom - top)


def _common_area(first: Any, second: Any) -> Any:
    """(..., 1): of what boxes ``xyxy`` share."""
    left1, top1, right1, bottom1 = coordinates(first)
    left2, top2, right2, bottom2 = coordinates(second)
    across = ops.minimum(right1, right2) - ops.maximum(left1, left2)
    down = ops.minimum(bottom1, bottom2) - ops.maximum(top1, top2)
    return ops.relu(across) * ops.relu(down)
