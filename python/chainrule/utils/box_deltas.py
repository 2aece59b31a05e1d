"""Boxes as differences from anchors, as detectors predict them."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.config import epsilon
from chainrule.base.errors import ShapeError
from chainrule.utils.box_layouts import convert_format, size_of

__all__ = ["decode_deltas_to_boxes", "encode_box_to_deltas"]


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """``((m - m0) / s0, log(s / s0))`` for middles m and sizes s of boxes, m0 and s0 of anchors.

    Parameters
    ----------
    anchors : tensor, (N, 4)
    boxes : tensor, (N, 4) or (B, N, 4)
    anchor_format, box_format : str
        Their layouts.
    encoding_format : {"center_yxhw", "center_xywh"}
        The order of the deltas.
    variance : four numbers, optional
        The deltas are divided by them.
    image_shape : tuple, optional
        (height, width, channels); required with relative layouts.

    Returns
    -------
    tensor
        As `boxes`.

    Raises
    ------
    ValueError
        For another `encoding_format`, an unknown layout, or a relative one without `image_shape`.
    ShapeError
        For a `variance` that is not four numbers.

    Notes
    -----
    Girshick et al. 2014, Rich feature hierarchies for accurate object detection, CVPR.

    Examples
    --------
    >>> import numpy as np
    >>> anchor, box = np.array([[0.0, 0.0, 4.0, 2.0]]), np.array([[1.0, 0.0, 5.0, 2.0]])
    >>> encode_box_to_deltas(anchor, box, "xyxy", "xyxy").tolist()
    [[0.0, 0.25, 0.0, 0.0]]
    """
    variance = _checked("encoding_format", encoding_format, variance)
    size = size_of(image_shape, anchor_format, box_format)
    anchors = convert_format(anchors, anchor_format, encoding_format, *size)
    boxes = convert_format(boxes, box_format, encoding_format, *size)
    sizes = ops.maximum(anchors[..., 2:], epsilon())
    middles = (boxes[..., :2] - anchors[..., :2]) / sizes
    logs = ops.log(ops.maximum(boxes[..., 2:], epsilon()) / sizes)
    deltas = ops.concatenate([middles, logs], axis=-1)
    return deltas if variance is None else deltas / variance


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """The boxes of deltas: what `encode_box_to_deltas` undoes.

    Parameters
    ----------
    anchors : tensor, (N, 4), or dict of them
    boxes_delta : tensor, (N, 4) or (B, N, 4), or dict of them with the same keys
    anchor_format, box_format : str
        The layout of the anchors, and that of the result.
    encoded_format : {"center_yxhw", "center_xywh"}
        The order of the deltas.
    variance : four numbers, optional
        The deltas are multiplied by them.
    image_shape : tuple, optional
        (height, width, channels); required with relative layouts.

    Returns
    -------
    tensor or dict
        As `boxes_delta`.

    Raises
    ------
    ValueError
        For another `encoded_format`, an unknown layout, or a relative one without `image_shape`.
    ShapeError
        For a `variance` that is not four numbers.

    Examples
    --------
    >>> import numpy as np
    >>> anchor, delta = np.array([[0.0, 0.0, 4.0, 2.0]]), np.array([[0.0, 0.25, 0.0, 0.0]])
    >>> decode_deltas_to_boxes(anchor, delta, "xyxy", "xyxy").tolist()
    [[1.0, 0.0, 5.0, 2.0]]
    """
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        more = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {
            level: decode_deltas_to_boxes(anchor, boxes_delta[level], *more)
            for level, anchor in anchors.items()
        }
    variance = _checked("encoded_format", encoded_format, variance)
    size = size_of(image_shape, anchor_format, box_format)
    anchors = convert_format(anchors, anchor_format, encoded_format, *size)
    deltas = ops.cast(boxes_delta, anchors.dtype)
    if variance is not None:
        deltas = deltas * variance
    sizes = anchors[..., 2:]
    middles = deltas[..., :2] * sizes + anchors[..., :2]
    boxes = ops.concatenate([middles, ops.exp(deltas[..., 2:]) * sizes], axis=-1)
    return convert_format(boxes, encoded_format, box_format, *size)


def _checked(name: str, layout: str, variance: Any) -> Any:
    """The variance as a tensor, once it and the order of the deltas are what they must be."""
    known = ("center_xywh", "center_yxhw")
    if layout not in known:
        raise ValueError(f"`{name}` should be one of {known}, got {layout!r}")
    if variance is None:
        return None
    variance = ops.convert_to_tensor(variance, "float32")
    if tuple(variance.shape) != (4,):
        raise ShapeError(f"`variance` must be length 4, got the shape {tuple(variance.shape)}")
    return variance
