"""Images at another size: `resize`, and its general form `scale_and_translate`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.base.config import standardize_data_format
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.loading import take_elements
from chainrule.base.sizes import as_size
from chainrule.ops._common import block, normalize_axis
from chainrule.ops._images import (
    as_batch,
    check_choice,
    check_rank,
    image_axes,
    in_float,
    shown_part,
)
from chainrule.ops.arithmetic import maximum
from chainrule.ops.arranging import pad
from chainrule.ops.comparison import where
from chainrule.ops.elementwise import absolute, sin
from chainrule.ops.indexing import take_slice
from chainrule.ops.linear import tensordot
from chainrule.ops.reductions import sum
from chainrule.ops.shaping import expand_dims, moveaxis, reshape
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["resize", "scale_and_translate"]

_INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


@operation
def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """``out[i, j] = sum over h, w of R[i, h] C[j, w] image[h, w]``, R and C the weights of a kernel
    around ``(i + 1/2) H / size[0] - 1/2`` and ``(j + 1/2) W / size[1] - 1/2``; as
    `jax.image.resize`.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    size : (int, int)
        Height and width of the result, from 1 up.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        The kernel; ``bicubic`` is Keys's with a = -1/2. Default "bilinear".
    antialias : bool
        Whether the kernel is widened where the image shrinks. Default False.
    crop_to_aspect_ratio : bool
        Whether the middle of the image with the result's aspect ratio is resized. Default False.
    pad_to_aspect_ratio : bool
        Whether the image is padded to the result's aspect ratio first. Default False.
    fill_mode : {"constant"}
        What is padded: only `fill_value`. Default "constant".
    fill_value : float
        What is padded with. Default 0.0.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (size[0], size[1]) in the place of H and W, in the images' dtype; integers are rounded and
        kept in their range.

    Raises
    ------
    ValueError
        An unknown option, a size that is not positive, crop and pad at once.
    ShapeError
        Images of another rank, or without pixels.
    DTypeError
        `images` holds no numbers.

    References
    ----------
    Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981.
    Duchon, Lanczos Filtering in One and Two Dimensions, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> resize(np.array([[[0.0], [4.0]]]), (1, 4)).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    check_choice("resize", "interpolation", interpolation, _INTERPOLATIONS)
    check_choice("resize", "fill_mode", fill_mode, ("constant",))
    if pad_to_aspect_ratio and crop_to_aspect_ratio:
        raise ValueError(
            "resize: Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`."
        )
    if len(size) != 2:
        raise ValueError(f"resize: Expected `size` to be a tuple of 2 integers. Received: {size}")
    height, width = as_size(size[0]), as_size(size[1])
    if any(isinstance(n, int) and n <= 0 for n in (height, width)):
        raise ValueError(
            f"resize: `size` must have positive height and width. Received: size={size}"
        )
    images = as_tensor(images)
    check_rank("resize", images)
    if crop_to_aspect_ratio:
        images = _cropped(images, height, width, data_format)
    if pad_to_aspect_ratio:
        images = _padded(images, height, width, fill_value, data_format)
    attrs = {"size": [height, width], "method": interpolation, "antialias": bool(antialias)}

    def run(x: Any) -> Any:
        return apply("resize", attrs, [x])

    batch, back = _planes(images, data_format)
    return back(run(batch) if interpolation == "nearest" else in_float(batch, run, True))


def _planes(images: Any, data_format: str | None) -> tuple[Any, Callable[[Any], Any]]:
    """As `as_batch`, but channels that stand in front of H become images of one channel."""
    if standardize_data_format(data_format) == "channels_last":
        return as_batch("resize", images, data_format)
    lead, sizes = images.shape[:-2], images.shape[-2:]

    def back(result: Any) -> Any:
        return reshape(result, (*lead, *result.shape[1:3]))

    return reshape(images, (math.prod(lead), *sizes, 1)), back


def _own_size(images: Any, data_format: str | None) -> tuple[Any, Any]:
    rows, columns, _ = image_axes(data_format)
    return images.shape[rows], images.shape[columns]


def _cropped(images: Any, height: int, width: int, data_format: str | None) -> Any:
    own = _own_size(images, data_format)
    parts = shown_part(own, (height, width), cropped=True)
    for axis, length, (start, kept) in zip(image_axes(data_format), own, parts):
        if kept != length:
            axis = normalize_axis(axis, images.ndim, "resize")
            images = block(images, axis, start, start + kept)
    return images


def _padded(images: Any, height: int, width: int, value: float, data_format: str | None) -> Any:
    parts = shown_part(_own_size(images, data_format), (height, width), padded=True)
    if not any(start < 0 for start, _ in parts):
        return images
    widths = [[0, 0] for _ in images.shape]
    for axis, (start, _) in zip(image_axes(data_format), parts):
        widths[axis] = [-start, -start]
    dtype = standardize_dtype(images.dtype)
    return pad(images, widths, constant_values=as_dtype(value, dtype))


def _cubic(x: Any) -> Any:
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return where(x < 2.0, where(x < 1.0, near, far), 0.0)


def _lanczos(radius: float) -> Callable[[Any], Any]:
    def kernel(x: Any) -> Any:
        angle = x * math.pi
        product = radius * sin(angle) * sin(angle / radius)
        inside = product / where(x > 1e-3, angle * angle, 1.0)
        return where(x > radius, 0.0, where(x > 1e-3, inside, 1.0))

    return kernel


_KERNELS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("linear", "bilinear", "trilinear"), lambda x: maximum(1.0 - x, 0.0)),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _cubic),
    "lanczos3": _lanczos(3.0),
    "lanczos5": _lanczos(5.0),
}


def _weights(
    inputs: int, outputs: int, scale: Any, translation: Any, method: str, antialias: bool
) -> Any:
    """The matrix (inputs, outputs) of one axis, for scalar tensors `scale` and `translation`."""
    dtype = standardize_dtype(scale.dtype)
    inverse = 1.0 / scale
    width = maximum(inverse, 1.0) if antialias else 1.0
    take_elements("resize", inputs * outputs)
    places = np.arange(outputs, dtype=dtype) + np.asarray(0.5, dtype)
    places = places * inverse - translation * inverse - 0.5
    elements = np.arange(inputs, dtype=dtype)[:, np.newaxis]
    raw = _KERNELS[method](absolute(expand_dims(places, 0) - elements) / width)
    total = sum(raw, axis=0, keepdims=True)
    used = absolute(total) > 1000.0 * float(np.finfo(np.float32).eps)
    scaled = where(used, raw / where(used, total, 1.0), 0.0)
    inside = where(places >= -0.5, places <= inputs - 0.5, False)
    return where(expand_dims(inside, 0), scaled, 0.0)


@operation
def scale_and_translate(
    images: Any,
    output_shape: Sequence[int],
    scale: Any,
    translation: Any,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Any:
    """``out[i] = sum over j of K(|(i + 1/2 - translation) / scale - 1/2 - j|) x[j]`` along each of
    the axes, the weights divided by their sum; 0 where the place is outside the image. As
    `jax.image.scale_and_translate`.

    Parameters
    ----------
    images : tensor
        Of any shape; integers are cast to `floatx()`.
    output_shape : sequence of int
        The result's shape, as `images` on other axes than `spatial_dims`.
    scale : tensor
        (k,), one number for each of `spatial_dims`; gradients flow into it.
    translation : tensor
        (k,), in elements of the result; gradients flow into it.
    spatial_dims : sequence of int
        The k axes to resample.
    method : str
        The kernel: "linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3" or
        "lanczos5".
    antialias : bool
        Whether the kernel is widened where the scale is below 1. Default True.

    Returns
    -------
    tensor
        The shape `output_shape`, in the float dtype of `images`.

    Raises
    ------
    ValueError
        An unknown method.
    ShapeError
        Shapes of different ranks, other numbers of scales or translations than of axes, or an axis
        that is not there.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.0, 4.0])
    >>> scale_and_translate(x, (4,), [2.0], [0.0], (0,), "linear").tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    check_choice("scale_and_translate", "method", method, tuple(_KERNELS))
    images = as_float(images)
    scale, translation = as_float(scale), as_float(translation)
    dims = [normalize_axis(d, images.ndim, "scale_and_translate") for d in spatial_dims]
    if len(output_shape) != images.ndim:
        raise ShapeError(
            f"scale_and_translate: expected an output shape of {images.ndim} sizes, as images of "
            f"shape {tuple(images.shape)} have, got {tuple(output_shape)}"
        )
    for name, x in (("scale", scale), ("translation", translation)):
        if tuple(x.shape) != (len(dims),):
            raise ShapeError(
                f"scale_and_translate: expected {name} of shape ({len(dims)},), one number for "
                f"each of spatial_dims={tuple(spatial_dims)}, got {tuple(x.shape)}"
            )
    dtype = standardize_dtype(images.dtype)
    for i, axis in enumerate(dims):
        outputs = int(output_shape[axis])
        one, two = take_slice(scale, 0, i), take_slice(translation, 0, i)
        weights = _weights(images.shape[axis], outputs, one, two, method, antialias)
        images = tensordot(images, as_dtype(weights, dtype), axes=[[axis], [0]])
        images = moveaxis(images, -1, axis)
    return images
