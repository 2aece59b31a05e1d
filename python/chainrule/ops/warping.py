"""Images under affine and projective maps."""

from __future__ import annotations

from typing import Any

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.ops._homography import homography
from chainrule.ops._images import as_batch, check_choice, in_float
from chainrule.ops.shaping import broadcast_to, expand_dims
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import shape_equal

__all__ = ["affine_transform", "perspective_transform"]

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _warp(images: Any, transforms: Any, interpolation: str, fill_mode: str, value: Any) -> Any:
    """The core's `warp` on images (N, H, W, C), in their dtype."""
    attrs = {"method": interpolation, "fill": fill_mode, "value": float(value)}

    def run(x: Any) -> Any:
        # Places keep their digits where the images have half the width.
        places = as_dtype(transforms, engine_dtype(standardize_dtype(x.dtype)))
        return apply("warp", attrs, [x, places])

    return in_float(images, run)


@operation
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """``out[y, x] = image[(b0 x + b1 y + b2) / k, (a0 x + a1 y + a2) / k]``, ``k = c0 x + c1 y +
    1``; as Keras's `ops.image.affine_transform`.

    The gradient flows into the images, not into the transforms.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    transform : tensor
        ``[a0, a1, a2, b0, b1, b2, c0, c1]``, one for all images or (N, 8): the map from a pixel of
        the result to the place in the input that it shows.
    interpolation : {"bilinear", "nearest"}
        The mean of the four pixels around a place, or the nearest. Default "bilinear".
    fill_mode : {"constant", "nearest", "reflect", "mirror", "wrap"}
        What stands outside: `fill_value`, the nearest element, the array turned about its edge
        (``reflect``) or about its last element (``mirror``), or the array again. Default
        "constant".
    fill_value : float
        Outside with ``constant``. Default 0.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        Of the images' shape and dtype; integers are rounded.

    Raises
    ------
    ValueError
        An unknown interpolation, fill mode or data format.
    ShapeError
        Images or transforms of another rank, or another number of transforms than of images.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[[1.0], [2.0], [3.0]]])
    >>> affine_transform(image, [1, 0, 0.5, 0, 1, 0, 0, 0], fill_mode="nearest").ravel().tolist()
    [1.5, 2.5, 3.0]
    """
    check_choice("affine_transform", "interpolation", interpolation, INTERPOLATIONS)
    check_choice("affine_transform", "fill_mode", fill_mode, FILL_MODES)
    batch, back = as_batch("affine_transform", images, data_format)
    transform = as_tensor(transform)
    if transform.ndim not in (1, 2):
        raise ShapeError(
            "affine_transform: Invalid transform rank: expected rank 1 (single transform) or "
            "rank 2 (batch of transforms). Received input with shape: "
            f"transform.shape={tuple(transform.shape)}"
        )
    rows = batch.shape[:1] if transform.ndim == 2 else ()
    if not shape_equal(transform.shape, (*rows, 8)):
        raise ShapeError(
            "affine_transform: expected 8 numbers for all images or for each of them, "
            f"transform.shape=(8,) or ({batch.shape[0]}, 8), got {tuple(transform.shape)}"
        )
    if transform.ndim == 1:
        transform = broadcast_to(expand_dims(transform, 0), (batch.shape[0], 8))
    return back(_warp(batch, transform, interpolation, fill_mode, fill_value))


@operation
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Any:
    """``out[y, x] = image[v, u]`` where the projective map that takes the four `end_points` to the
    four `start_points` takes (x, y) to (u, v); as Keras's `ops.image.perspective_transform`.

    The gradient flows into the images, not into the points.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    start_points, end_points : tensor
        (4, 2) for all images, or (N, 4, 2): (x, y) of four points, no three on a line, before and
        after; in pixels.
    interpolation : {"bilinear", "nearest"}
        The mean of the four pixels around a place, or the nearest. Default "bilinear".
    fill_value : float
        What stands outside the image. Default 0.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        Of the images' shape and dtype; integers are rounded.

    Raises
    ------
    ValueError
        An unknown interpolation or data format.
    ShapeError
        Images or points of another shape.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(4.0).reshape(2, 2, 1)
    >>> corners = [[0, 0], [1, 0], [0, 1], [1, 1]]
    >>> mirrored = [[1, 0], [0, 0], [1, 1], [0, 1]]
    >>> perspective_transform(image, corners, mirrored).ravel().tolist()
    [1.0, 0.0, 3.0, 2.0]
    """
    op = "perspective_transform"
    check_choice(op, "interpolation", interpolation, INTERPOLATIONS)
    batch, back = as_batch(op, images, data_format)
    start, end = as_tensor(start_points), as_tensor(end_points)
    for name, points in (("start_points", start), ("end_points", end)):
        if tuple(points.shape) not in ((4, 2), (batch.shape[0], 4, 2)):
            raise ShapeError(
                f"{op}: Invalid {name} shape: expected (4, 2) for all images or "
                f"({batch.shape[0]}, 4, 2). Received shape: {tuple(points.shape)}"
            )
    if start.ndim != end.ndim:
        raise ShapeError(
            f"{op}: start_points and end_points must have the same shape. Received "
            f"start_points.shape={tuple(start.shape)}, end_points.shape={tuple(end.shape)}"
        )
    maps = homography(as_dtype(start, "float64"), as_dtype(end, "float64"))
    if start.ndim == 2:
        maps = broadcast_to(expand_dims(maps, 0), (batch.shape[0], 8))
    return back(_warp(batch, maps, interpolation, "constant", fill_value))
