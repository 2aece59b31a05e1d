"""Boxes around objects in images: layouts, clipping, moving, overlaps, and deltas from anchors.

A layout says what the four numbers of a box are. ``xyxy``: left, top, right, bottom; ``yxyx``: top,
left, bottom, right; ``xywh``: left, top, width, height; ``center_xywh`` and ``center_yxhw``: the
middle, then the size. ``rel_xyxy``, ``rel_yxyx``, ``rel_xywh`` and ``rel_center_xywh`` are parts of the
image's width and height, the others pixels. x goes to the right, y downwards.
"""

from __future__ import annotations

import math
from typing import Any

from chainrule import ops
from chainrule.base.namespace import publish
from chainrule.utils.box_deltas import decode_deltas_to_boxes as decode_deltas_to_boxes
from chainrule.utils.box_deltas import encode_box_to_deltas as encode_box_to_deltas
from chainrule.utils.box_layouts import coordinates, joined
from chainrule.utils.box_layouts import convert_format as convert_format
from chainrule.utils.box_overlaps import compute_ciou as compute_ciou
from chainrule.utils.box_overlaps import compute_iou as compute_iou


def clip_to_image_size(
    bounding_boxes: dict[str, Any],
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """The parts of boxes within the image; the label of a box of which nothing is left is -1.

    Parameters
    ----------
    bounding_boxes : dict
        "boxes", (N, 4) or (B, N, 4), and optionally "labels", (N,) or (B, N).
    height, width : number or tensor, optional
        The image's size; required with ``xyxy``.
    bounding_box_format : {"xyxy", "rel_xyxy"}

    Returns
    -------
    dict
        A new one, with the same keys.

    Raises
    ------
    ValueError
        For another layout, or without a size where one is needed.

    Examples
    --------
    >>> import numpy as np
    >>> boxes = np.array([[-1.0, 2.0, 5.0, 9.0], [8.0, 0.0, 9.0, 3.0]])
    >>> clipped = clip_to_image_size({"boxes": boxes, "labels": np.array([3, 4])}, 6, 7)
    >>> clipped["boxes"].tolist()
    [[0.0, 2.0, 5.0, 6.0], [7.0, 0.0, 7.0, 3.0]]
    >>> clipped["labels"].tolist()
    [3, -1]
    """
    _check_corners("clip_to_image_size", bounding_box_format, ("xyxy", "rel_xyxy"))
    if bounding_box_format == "rel_xyxy":
        height, width = 1.0, 1.0
    elif height is None or width is None:
        raise ValueError(
            "`height` and `width` must be set if `format='xyxy'`. Received: "
            f"height={height}, width={width}"
        )
    left, top, right, bottom = coordinates(bounding_boxes["boxes"])
    left, right = (ops.clip(x, 0, _size_like(x, width)) for x in (left, right))
    top, bottom = (ops.clip(y, 0, _size_like(y, height)) for y in (top, bottom))
    result = {**bounding_boxes, "boxes": joined(left, top, right, bottom)}
    labels = bounding_boxes.get("labels")
    if labels is not None:
        labels = ops.convert_to_tensor(labels)
        is_left = (right - left) * (bottom - top) > 0
        if len(labels.shape) < len(is_left.shape):
            is_left = ops.squeeze(is_left, -1)
        result["labels"] = ops.where(is_left, labels, ops.cast(-1, labels.dtype))
    return result


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """The upright boxes around boxes that were turned, moved, scaled and sheared about a centre.

    ``p' = A (p - c - t) + c`` with ``A = scale [[d, -b], [-c, a]]``, where for the angle ``r = -angle``
    and the shears ``k = -shear_x``, ``l = -shear_y``: ``a = cos(r - l) / cos l``,
    ``b = a tan k + sin r``, ``c = -sin(r - l) / cos l``, ``d = cos r - c tan k``. The numbers are
    those of Keras.

    Parameters
    ----------
    boxes : tensor, (B, N, 4)
    angle : tensor, (B,)
        Degrees, counter-clockwise.
    translate_x, translate_y : tensor, (B,)
        Parts of the size less one pixel.
    scale : tensor, (B,)
    shear_x, shear_y : tensor, (B,)
        Degrees.
    height, width : int
        The image's size.
    center_x, center_y : number, optional
        The centre, as parts of the size less one pixel. Default 0.5.
    bounding_box_format : {"xyxy"}

    Returns
    -------
    tensor, (B, N, 4)

    Raises
    ------
    ValueError
        For another layout.

    Examples
    --------
    >>> import numpy as np
    >>> zero, one = np.zeros(1, "float32"), np.ones(1, "float32")
    >>> box = np.array([[[0.0, 0.0, 2.0, 1.0]]], "float32")
    >>> affine_transform(box, 90 * one, zero, zero, one, zero, zero, 5, 5).round(3).tolist()
    [[[0.0, 2.0, 1.0, 4.0]]]
    """
    _check_corners("affine_transform", bounding_box_format, ("xyxy",))
    numbers = (angle, translate_x, translate_y, scale, shear_x, shear_y)
    turn, move_x, move_y, scale, k, l = (
        ops.reshape(ops.convert_to_tensor(x, "float32"), (-1, 1, 1)) for x in numbers
    )
    radians = math.pi / 180.0
    turn, k, l = -turn * radians, -k * radians, -l * radians
    x0 = (0.5 if center_x is None else center_x) * (width - 1)
    y0 = (0.5 if center_y is None else center_y) * (height - 1)
    a = ops.cos(turn - l) / ops.cos(l)
    b = a * ops.tan(k) + ops.sin(turn)
    c = -ops.sin(turn - l) / ops.cos(l)
    d = ops.cos(turn) - c * ops.tan(k)
    from_x, from_y = x0 - move_x * (width - 1), y0 - move_y * (height - 1)

    def move(x: Any, y: Any) -> tuple[Any, Any]:
        right, down = x - from_x, y - from_y
        return scale * (d * right - b * down) + x0, scale * (a * down - c * right) + y0

    return around(ops.cast(boxes, "float32"), move)


def crop(
    boxes: Any,
    top: Any,
    left: Any,
    height: Any,
    width: Any,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Boxes as they lie in a part of the image.

    Parameters
    ----------
    boxes : tensor, (N, 4) or (B, N, 4)
    top, left : number
        Where the part begins.
    height, width : number
        Its size.
    bounding_box_format : {"xyxy"}

    Returns
    -------
    tensor
        As `boxes`.

    Raises
    ------
    ValueError
        For another layout.

    Examples
    --------
    >>> import numpy as np
    >>> crop(np.array([[10.0, 20.0, 50.0, 60.0]]), top=10, left=20, height=40, width=30).tolist()
    [[0.0, 10.0, 30.0, 40.0]]
    """
    _check_corners("crop", bounding_box_format, ("xyxy",))
    shifted = pad(boxes, -top, -left)
    return clip_to_image_size({"boxes": shifted}, height, width)["boxes"]


def pad(
    boxes: Any,
    top: Any,
    left: Any,
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> Any:
    """Boxes as they lie in an image with more rows above and more columns to the left.

    Parameters
    ----------
    boxes : tensor, (N, 4) or (B, N, 4)
    top, left : number
        How many rows and columns.
    height, width : number, optional
        Not used: the boxes do not depend on them.
    bounding_box_format : {"xyxy"}

    Returns
    -------
    tensor
        As `boxes`.

    Raises
    ------
    ValueError
        For another layout.

    Examples
    --------
    >>> import numpy as np
    >>> pad(np.array([[1.0, 2.0, 3.0, 4.0]]), top=10, left=20).tolist()
    [[21.0, 12.0, 23.0, 14.0]]
    """
    _check_corners("pad", bounding_box_format, ("xyxy",))
    x1, y1, x2, y2 = coordinates(boxes)
    return joined(x1 + left, y1 + top, x2 + left, y2 + top)


def around(boxes: Any, move: Any) -> Any:
    """The upright boxes around the corners of boxes ``xyxy`` that `move(x, y)` has moved.

    Examples
    --------
    >>> import numpy as np
    >>> around(np.array([[1.0, 2.0, 3.0, 4.0]]), lambda x, y: (-y, x)).tolist()
    [[-4.0, 1.0, -2.0, 3.0]]
    """
    x1, y1, x2, y2 = coordinates(boxes)
    corners = [move(x, y) for x, y in ((x1, y1), (x2, y1), (x1, y2), (x2, y2))]
    xs, ys = (ops.concatenate(list(values), axis=-1) for values in zip(*corners))
    low = [ops.min(values, axis=-1, keepdims=True) for values in (xs, ys)]
    high = [ops.max(values, axis=-1, keepdims=True) for values in (xs, ys)]
    return joined(*low, *high)


def _size_like(x: Any, size: Any) -> Any:
    return ops.cast(size, x.dtype)


def _check_corners(function: str, layout: str, known: tuple[str, ...]) -> None:
    if layout not in known:
        raise ValueError(
            f"{function}: expected `bounding_box_format` to be one of {known}, got {layout!r}; "
            "`convert_format` changes it"
        )


publish(globals())
