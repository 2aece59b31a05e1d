"""What becomes of bounding boxes when the pixels below them move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.config import epsilon
from chainrule.base.errors import ShapeError
from chainrule.tracing.tensor import KerasTensor
from chainrule.utils.bounding_boxes import around, clip_to_image_size
from chainrule.utils.box_layouts import convert_format, coordinates, joined

Boxes = dict[str, Any]
_PAD_BOX, _PAD_LABEL = 0.0, -1


def moved_boxes(
    bounding_boxes: Boxes,
    layout: str | None,
    size: tuple[Any, Any],
    move: Callable[[Any], Any],
    new_size: tuple[Any, Any] | None = None,
) -> Boxes:
    """Boxes of any layout, moved as ``xyxy`` by `move` and cut at the borders of the new image.

    Examples
    --------
    >>> boxes = {"boxes": np.array([[1.0, 2.0, 3.0, 3.0]]), "labels": np.array([5])}
    >>> moved_boxes(boxes, "xywh", (10, 10), lambda b: b + 5.0)["boxes"].tolist()
    [[6.0, 7.0, 3.0, 3.0]]
    """
    assert layout is not None
    new_size = size if new_size is None else new_size
    corners = convert_format(bounding_boxes, layout, "xyxy", *size)
    moved = {**corners, "boxes": move(corners["boxes"])}
    result: Boxes = convert_format(clip_to_image_size(moved, *new_size), "xyxy", layout, *new_size)
    return result


def warp(boxes: Any, maps: Any) -> Any:
    """Boxes ``xyxy`` (N, M, 4), or (M, 4) of one image, where the pixels go to under maps (N, 8) of `affine_transform`.

    A map says where a pixel of the result comes from: the corners go the other way.

    Examples
    --------
    >>> to_the_right_by_3 = np.array([[1.0, 0.0, -3.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    >>> warp(np.array([[[0.0, 1.0, 2.0, 4.0]]]), to_the_right_by_3).tolist()
    [[[3.0, 1.0, 5.0, 4.0]]]
    """
    maps = ops.cast(maps, boxes.dtype)
    a, b, c, d, e, f, g, h = (ops.reshape(maps[:, i], (-1, 1, 1)) for i in range(8))
    # The rows of the inverse, but for a factor that the quotient takes away.
    right = (e - f * h, c * h - b, b * f - c * e)
    down = (f * g - d, a - c * g, c * d - a * f)
    share = (d * h - e * g, b * g - a * h, a * e - b * d)

    def move(x: Any, y: Any) -> tuple[Any, Any]:
        u, v, w = (row[0] * x + row[1] * y + row[2] for row in (right, down, share))
        w = ops.where(w == 0.0, epsilon(), w)  # a map that has no inverse
        return u / w, v / w

    moved = around(boxes, move)
    is_one = len(boxes.shape) == 2 and moved.shape[0] == 1
    return ops.squeeze(moved, 0) if is_one else moved


def shown_boxes(bounding_boxes: Boxes, layer: Any, transformation: dict[str, Any]) -> Boxes:
    """Boxes in the images of a layer that shows parts of others, at its `height` and `width`.

    Parameters
    ----------
    bounding_boxes : dict
        Boxes of zeros, or of -1, are padding and become zeros.
    layer : RandomCrop, CenterCrop or Resizing
    transformation : dict
        "input_size", and "parts": (begin, length) along height and along width, as
        `shown_part` gives them.

    Examples
    --------
    >>> from chainrule import layers
    >>> layer = layers.CenterCrop(2, 2, bounding_box_format="xyxy")
    >>> drawn = {"input_size": (8, 8), "parts": [(3, 2), (3, 2)]}
    >>> boxes = {"boxes": np.array([[2.0, 4.0, 4.0, 7.0]]), "labels": np.array([1])}
    >>> shown_boxes(boxes, layer, drawn)["boxes"].tolist()
    [[0.0, 1.0, 1.0, 2.0]]
    """
    size = (layer.height, layer.width)
    given = ops.convert_to_tensor(bounding_boxes["boxes"])
    padding = ops.all(ops.logical_or(given == -1, given == 0), axis=-1, keepdims=True)

    def show(boxes: Any) -> Any:
        (top, rows), (left, columns) = (
            [ops.cast(x, boxes.dtype) for x in part] for part in transformation["parts"]
        )
        x1, y1, x2, y2 = coordinates(boxes)
        across, down = size[1] / columns, size[0] / rows
        shown = joined(
            (x1 - left) * across, (y1 - top) * down, (x2 - left) * across, (y2 - top) * down
        )
        return ops.where(padding, ops.cast(0, boxes.dtype), shown)

    layout, own = layer.bounding_box_format, transformation["input_size"]
    return moved_boxes(bounding_boxes, layout, own, show, size)


def dense_boxes(bounding_boxes: Any, place: str) -> Boxes:
    """Boxes and labels as tensors: lists of images with several numbers of boxes are padded.

    Padding is boxes of zeros with the label -1.

    Raises
    ------
    ValueError
        For what is no dict of "boxes" and "labels".
    ShapeError
        For boxes that are not (N, 4) or (B, N, 4), or other numbers of labels.

    Examples
    --------
    >>> lists = {"boxes": [[[1, 2, 3, 4]], []], "labels": [[7], []]}
    >>> dense_boxes(lists, "here")["labels"].tolist()
    [[7], [-1]]
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= set(bounding_boxes):
        raise ValueError(
            f"{place}: Expected `bounding_boxes` argument to be a dict with keys 'boxes' and 'labels'. "
            f"Received: bounding_boxes={bounding_boxes}"
        )
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if _is_by_image(boxes) and isinstance(labels, list):
        counts = [[len(x) for x in entries] for entries in (boxes, labels)]
        if counts[0] != counts[1]:
            raise ShapeError(
                f"{place}: expected a label for each box, got {counts[0]} boxes and {counts[1]} labels"
            )
        most = max(counts[0])
        boxes = [_padded(x, most, [_PAD_BOX] * 4) for x in boxes]
        labels = [_padded(x, most, _PAD_LABEL) for x in labels]
    dense = {**bounding_boxes, "boxes": _tensor(boxes, "float32"), "labels": _tensor(labels)}
    ranks = [len(dense[key].shape) for key in ("boxes", "labels")]
    if ranks[0] not in (2, 3) or ranks[1] not in (ranks[0] - 1, ranks[0]):
        shapes = [tuple(dense[key].shape) for key in ("boxes", "labels")]
        raise ShapeError(
            f"{place}: expected `bounding_boxes` whose 'boxes' are (N, 4) or (B, N, 4) and whose "
            f"'labels' are (N,) or (B, N), got the shapes {shapes[0]} and {shapes[1]}"
        )
    return dense


def _tensor(x: Any, dtype: str | None = None) -> Any:
    if isinstance(x, KerasTensor):
        return x if dtype is None else ops.cast(x, dtype)
    return ops.convert_to_tensor(np.asarray(x) if dtype is None else np.asarray(x, dtype))


def _is_by_image(boxes: Any) -> bool:
    """Whether these are lists of boxes, one for each image."""
    if not isinstance(boxes, list) or not boxes:
        return False
    return all(isinstance(x, list) and not (x and np.ndim(x[0]) == 0) for x in boxes)


def _padded(entries: list[Any], count: int, fill: Any) -> list[Any]:
    return [*entries, *[fill] * (count - len(entries))]
