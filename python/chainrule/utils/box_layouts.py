"""The layouts of boxes, and the way from one to another."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError

__all__ = ["LAYOUTS", "convert_format", "coordinates", "joined", "size_of"]

_RELATIVE = ("rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")
LAYOUTS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", *_RELATIVE)


def coordinates(boxes: Any) -> list[Any]:
    """The four numbers of boxes (..., 4) as four tensors (..., 1).

    Examples
    --------
    >>> import numpy as np
    >>> [x.shape for x in coordinates(np.ones((3, 4)))]
    [(3, 1), (3, 1), (3, 1), (3, 1)]
    """
    boxes = ops.convert_to_tensor(boxes)
    if not len(boxes.shape) or boxes.shape[-1] != 4:
        raise ShapeError(
            "`boxes` must be a tensor with the last dimension of 4. Received: "
            f"boxes.shape={tuple(boxes.shape)}"
        )
    return [boxes[..., i : i + 1] for i in range(4)]


def joined(*numbers: Any) -> Any:
    """Boxes (..., 4) of four tensors (..., 1).

    Examples
    --------
    >>> import numpy as np
    >>> joined(*np.arange(4.0).reshape(4, 1, 1)).tolist()
    [[0.0, 1.0, 2.0, 3.0]]
    """
    return ops.concatenate(list(numbers), axis=-1)


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: str = "float32",
) -> Any:
    """Boxes in another layout.

    Parameters
    ----------
    boxes : tensor (..., 4), or dict
        Of a dict the entry "boxes" is converted.
    source, target : str
        ``xyxy``, ``yxyx``, ``xywh``, ``center_xywh``, ``center_yxhw``, ``rel_xyxy``, ``rel_yxyx``,
        ``rel_xywh`` or ``rel_center_xywh``, in any case.
    height, width : number or tensor, optional
        The image's size; required where one of the layouts begins with ``rel_``.
    dtype : str
        Of the result. Default float32.

    Returns
    -------
    tensor or dict
        As `boxes`.

    Raises
    ------
    ValueError
        For an unknown layout, or where the size is missing.
    ShapeError
        For boxes whose last axis is not 4.

    Examples
    --------
    >>> import numpy as np
    >>> box = np.array([[10, 20, 30, 60]])
    >>> convert_format(box, "xyxy", "center_xywh").tolist()
    [[20.0, 40.0, 20.0, 40.0]]
    >>> convert_format(box, "xyxy", "rel_xyxy", height=80, width=40).tolist()
    [[0.25, 0.25, 0.75, 0.75]]
    """
    if isinstance(boxes, dict):
        converted = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": converted}
    source, target = source.lower(), target.lower()
    for layout in (source, target):
        if layout not in LAYOUTS:
            raise ValueError(
                f"Invalid source or target format. Supported formats: {LAYOUTS}. Received: {layout}"
            )
    is_relative = [layout.startswith("rel_") for layout in (source, target)]
    if any(is_relative) and (height is None or width is None):
        raise ValueError(
            "convert_format() must receive `height` and `width` transforming between relative and "
            f"absolute formats. Received: source={source}, target={target}, height={height}, "
            f"width={width}"
        )
    numbers = coordinates(ops.cast(boxes, dtype))
    if source == target:
        return joined(*numbers)
    corners = _corners(source.removeprefix("rel_"), *numbers)
    if is_relative[0] != is_relative[1]:
        sizes = [ops.cast(size, dtype) for size in (width, height)] * 2
        corners = [x * s if is_relative[0] else x / s for x, s in zip(corners, sizes)]
    return joined(*_laid_out(target.removeprefix("rel_"), *corners))


def size_of(image_shape: Any, *layouts: str) -> tuple[Any, Any]:
    """Height and width of `image_shape`, or two Nones.

    Raises
    ------
    ValueError
        Where there is no shape, and a layout needs one.

    Examples
    --------
    >>> size_of((8, 6, 3), "xyxy"), size_of(None, "xyxy")
    ((8, 6), (None, None))
    """
    if image_shape is not None:
        return image_shape[0], image_shape[1]
    if any("rel" in layout for layout in layouts):
        raise ValueError(
            "When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument "
            f"must be provided. Received `image_shape`: {image_shape}"
        )
    return None, None


def _corners(layout: str, a: Any, b: Any, c: Any, d: Any) -> list[Any]:
    """Left, top, right, bottom."""
    if layout in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if layout in ("xyxy", "yxyx"):
        return [a, b, c, d]
    if layout != "xywh":
        a, b = a - c / 2.0, b - d / 2.0
    return [a, b, a + c, b + d]


def _laid_out(layout: str, left: Any, top: Any, right: Any, bottom: Any) -> list[Any]:
    """The four numbers of a layout."""
    a, b, c, d = left, top, right, bottom
    if layout not in ("xyxy", "yxyx"):
        c, d = right - left, bottom - top
        if layout != "xywh":
            a, b = left + c / 2.0, top + d / 2.0
    return [b, a, d, c] if layout in ("yxyx", "center_yxhw") else [a, b, c, d]
