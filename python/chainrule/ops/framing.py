"""Parts and frames of images: crops, zeros around them, patches."""

from __future__ import annotations

import itertools
from typing import Any

from chainrule.base.config import standardize_data_format
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import known
from chainrule.ops._images import check_choice, check_rank, image_axes
from chainrule.ops.arranging import pad
from chainrule.ops.joining import concatenate
from chainrule.ops.shaping import expand_dims, moveaxis, reshape, squeeze, transpose
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["crop_images", "extract_patches", "extract_patches_3d", "pad_images"]


def _two_of_three(op: str, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
    """ValueError unless exactly one of the three is None and none is negative."""
    if values.count(None) != 1:
        given = ", ".join(f"{name}={value}" for name, value in zip(names, values))
        raise ValueError(
            f"{op}: Must specify exactly two of {', '.join(names)}. Received: {given}"
        )
    for name, value in zip(names, values):
        if value is not None and value < 0:
            raise ValueError(f"{op}: {name} must be >= 0. Received: {name}={value}")


def _at_least_zero(op: str, **values: Any) -> None:
    for name, value in values.items():
        if (known(value) or 0) < 0:
            raise ShapeError(f"{op}: {name} must be >= 0. Received: {name}={value}")


@operation
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images with rows and columns of zeros around them, as Keras's `ops.image.pad_images`.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    top_padding, left_padding, bottom_padding, right_padding : int, optional
        Rows or columns of zeros on each side, from 0 up.
    target_height, target_width : int, optional
        Of the result. Exactly two are given of top, bottom and height, and two of left, right and
        width.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (target_height, target_width) in the place of H and W, in the images' dtype.

    Raises
    ------
    ValueError
        Not two of three, negative ones, or an unknown data format.
    ShapeError
        Images of another rank, or larger than the target.
    DTypeError
        `images` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> pad_images(np.ones((15, 25, 3)), 2, 3, target_height=20, target_width=30).shape
    (20, 30, 3)
    """
    op = "pad_images"
    images = as_tensor(images)
    check_rank(op, images)
    vertical: tuple[Any, ...] = (top_padding, bottom_padding, target_height)
    horizontal: tuple[Any, ...] = (left_padding, right_padding, target_width)
    _two_of_three(op, ("top_padding", "bottom_padding", "target_height"), vertical)
    _two_of_three(op, ("left_padding", "right_padding", "target_width"), horizontal)
    rows, columns, _ = image_axes(data_format)
    widths = [[0, 0] for _ in images.shape]
    for axis, (before, after, target) in ((rows, vertical), (columns, horizontal)):
        size = images.shape[axis]
        if before is None:
            before = target - after - size
        if after is None:
            after = target - before - size
        widths[axis] = [before, after]
    (top, bottom), (left, right) = widths[rows], widths[columns]
    _at_least_zero(
        op, top_padding=top, left_padding=left, right_padding=right, bottom_padding=bottom
    )
    return pad(images, widths)


@operation
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images without rows and columns at their sides, as Keras's `ops.image.crop_images`.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    top_cropping, left_cropping, bottom_cropping, right_cropping : int, optional
        Rows or columns left out on each side, from 0 up.
    target_height, target_width : int, optional
        Of the result. Exactly two are given of top, bottom and height, and two of left, right and
        width.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        (target_height, target_width) in the place of H and W, in the images' dtype.

    Raises
    ------
    ValueError
        Not two of three, negative ones, or an unknown data format.
    ShapeError
        Images of another rank, or smaller than what is to be left.
    DTypeError
        `images` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> crop_images(np.ones((15, 25, 3)), 2, 3, target_height=10, target_width=20).shape
    (10, 20, 3)
    """
    op = "crop_images"
    images = as_tensor(images)
    check_rank(op, images)
    vertical: tuple[Any, ...] = (top_cropping, bottom_cropping, target_height)
    horizontal: tuple[Any, ...] = (left_cropping, right_cropping, target_width)
    _two_of_three(op, ("top_cropping", "bottom_cropping", "target_height"), vertical)
    _two_of_three(op, ("left_cropping", "right_cropping", "target_width"), horizontal)
    rows, columns, _ = image_axes(data_format)
    start, stop = [0] * images.ndim, list(images.shape)
    for axis, (before, after, target) in ((rows, vertical), (columns, horizontal)):
        size = images.shape[axis]
        if before is None:
            before = size - target - after
        if target is None:
            target = size - before - after
        start[axis], stop[axis] = before, before + target
    _at_least_zero(
        op,
        top_cropping=start[rows],
        target_height=stop[rows] - start[rows],
        bottom_cropping=images.shape[rows] - stop[rows],
        left_cropping=start[columns],
        target_width=stop[columns] - start[columns],
        right_cropping=images.shape[columns] - stop[columns],
    )
    return apply("slice", {"start": start, "stop": stop, "step": [1] * images.ndim}, [images])


def _per_axis(op: str, name: str, value: Any, rank: int) -> tuple[int, ...]:
    """`rank` positive ints from one or from `rank`."""
    values = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(values) != rank or not all(isinstance(v, int) and v > 0 for v in values):
        raise ValueError(
            f"{op}: `{name}` must be a positive int or a tuple of {rank} of them. "
            f"Received: {name}={value}"
        )
    return values


@operation
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """``out[i, j] = image[s i : s i + size, s j : s j + size]``, flattened: the patches of images,
    or of volumes where `size` has three numbers; as TensorFlow's `tf.image.extract_patches`.

    Parameters
    ----------
    images : tensor
        (H, W, C) or (N, H, W, C); volumes (D, H, W, C) or (N, D, H, W, C). Channels stand in front
        of the spatial axes with ``channels_first``.
    size : int, or tuple of 2 or 3 ints
        Of a patch, in pixels.
    strides : int or tuple of ints, optional
        Between patches; default `size`, so that they do not overlap.
    dilation_rate : int or tuple of ints
        Between the pixels of a patch. Default 1.
    padding : {"valid", "same"}
        Whether only whole patches are taken, or zeros stand around the image. Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        As `images`, with the number of patches as spatial sizes and ``size * size * C`` channels;
        in their dtype.

    Raises
    ------
    TypeError
        A size that is no int or tuple.
    ValueError
        A tuple of another length than 2 or 3, strides, padding or data format that are none.
    ShapeError
        Images of another rank, or smaller than a patch.
    DTypeError
        `images` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> extract_patches(np.zeros((2, 20, 20, 3)), (5, 5)).shape
    (2, 4, 4, 75)
    >>> extract_patches(np.zeros((20, 20, 3)), 3, strides=1).shape
    (18, 18, 27)
    """
    if not isinstance(size, int):
        if not isinstance(size, (tuple, list)):
            raise TypeError(
                "extract_patches: Invalid `size` argument. Expected an int or a tuple. "
                f"Received: size={size} of type {type(size).__name__}"
            )
        if len(size) not in (2, 3):
            raise ValueError(
                "extract_patches: Invalid `size` argument. Expected a tuple of length 2 or 3. "
                f"Received: size={size} with length {len(size)}"
            )
    rank = 2 if isinstance(size, int) else len(size)
    return _patches(images, size, strides, dilation_rate, padding, data_format, rank)


@operation
def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """As `extract_patches`, of volumes for an int `size` too; as Keras's
    `ops.image.extract_patches_3d`.

    Parameters
    ----------
    volumes : tensor
        (D, H, W, C) or (N, D, H, W, C); channels stand in front of D with ``channels_first``.
    size : int, or tuple of 3 ints
        Of a patch, in voxels.
    strides : int or tuple of 3 ints, optional
        Between patches; default `size`, so that they do not overlap.
    dilation_rate : int or tuple of 3 ints
        Between the voxels of a patch. Default 1.
    padding : {"valid", "same"}
        Whether only whole patches are taken, or zeros stand around the volume. Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        As `volumes`, with the number of patches as spatial sizes and ``size * size * size * C``
        channels; in their dtype.

    Raises
    ------
    ValueError
        Sizes, strides, padding or data format that are none.
    ShapeError
        Volumes of another rank, or smaller than a patch.
    DTypeError
        `volumes` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> extract_patches_3d(np.zeros((2, 10, 10, 10, 3)), 3).shape
    (2, 3, 3, 3, 81)
    """
    return _patches(volumes, size, strides, dilation_rate, padding, data_format, 3)


def _patches(
    images: Any,
    size: Any,
    strides: Any,
    dilation_rate: Any,
    padding: str,
    data_format: str | None,
    rank: int,
) -> Any:
    op = "extract_patches"
    window = _per_axis(op, "size", size, rank)
    steps = window if strides is None else _per_axis(op, "strides", strides, rank)
    dilation = _per_axis(op, "dilation_rate", dilation_rate, rank)
    check_choice(op, "padding", padding, ("valid", "same"))
    images = as_tensor(images)
    if images.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"{op}: Invalid images rank: expected rank {rank + 1} or, for a batch, {rank + 2}. "
            f"Received input with shape: images.shape={tuple(images.shape)}"
        )
    single = images.ndim == rank + 1
    first = standardize_data_format(data_format) == "channels_first"
    if single:
        images = expand_dims(images, 0)
    if first:
        images = moveaxis(images, 1, -1)
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation)]
    if padding == "same":
        widths = [(0, 0)]
        for n, k, s in zip(images.shape[1:-1], reach, steps):
            total = max((-(-n // s) - 1) * s + k - n, 0)
            widths.append((total // 2, total - total // 2))
        images = pad(images, [*widths, (0, 0)])
    sizes = images.shape[1:-1]
    if any(n < k for n, k in zip(sizes, reach)):
        raise ShapeError(
            f"{op}: expected images of at least {tuple(reach)} pixels, as a patch has, got shape "
            f"{tuple(images.shape)}"
        )
    counts = [(n - k) // s + 1 for n, k, s in zip(sizes, reach, steps)]
    if steps == window and set(dilation) == {1}:
        patches = _tiles(images, window, counts)
    else:
        patches = concatenate(
            [
                _every(images, [o * d for o, d in zip(offset, dilation)], counts, steps)
                for offset in itertools.product(*map(range, window))
            ],
            axis=-1,
        )
    if first:
        patches = moveaxis(patches, -1, 1)
    return squeeze(patches, 0) if single else patches


def _every(images: Any, offset: list[int], counts: list[int], steps: tuple[int, ...]) -> Any:
    """`counts` pixels of each image from `offset` on, in `steps`."""
    stop = [o + (n - 1) * s + 1 for o, n, s in zip(offset, counts, steps)]
    attrs = {
        "start": [0, *offset, 0],
        "stop": [images.shape[0], *stop, images.shape[-1]],
        "step": [1, *steps, 1],
    }
    return apply("slice", attrs, [images])


def _tiles(images: Any, window: tuple[int, ...], counts: list[int]) -> Any:
    """Patches that lie side by side: (N, *counts, window * C)."""
    rank, channels = len(window), images.shape[-1]
    whole = [n * k for n, k in zip(counts, window)]
    images = _every(images, [0] * rank, whole, (1,) * rank)
    split = [size for pair in zip(counts, window) for size in pair]
    images = reshape(images, (images.shape[0], *split, channels))
    places, inner = range(1, 2 * rank, 2), range(2, 2 * rank + 1, 2)
    images = transpose(images, (0, *places, *inner, 2 * rank + 1))
    features = channels
    for k in window:
        features *= k
    return reshape(images, (images.shape[0], *counts, features))
