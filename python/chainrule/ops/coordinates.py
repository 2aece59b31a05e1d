"""Arrays read between their elements: `map_coordinates`, and images distorted by noise."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.ops._draws import normal
from chainrule.ops._images import as_batch, check_choice, in_float, round_away
from chainrule.ops._sized import numbers
from chainrule.ops.arithmetic import floor_divide, mod
from chainrule.ops.comparison import greater_equal, less, logical_and, where
from chainrule.ops.elementwise import absolute, floor
from chainrule.ops.filters import gaussian_blur
from chainrule.ops.indexing import take, take_slice
from chainrule.ops.rounding import clip
from chainrule.ops.shaping import _reshape, expand_dims, reshape
from chainrule.ops.warping import FILL_MODES, INTERPOLATIONS
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.recording import operation

__all__ = ["elastic_transform", "map_coordinates"]


def _mirrored(index: Any, size: int) -> Any:
    """``|i|`` for -(size - 1) to size - 1, repeated."""
    if size == 1:
        return index * 0
    return absolute(mod(index + (size - 1), 2 * (size - 1)) - (size - 1))


def _inside(index: Any, size: int, fill_mode: str) -> Any:
    """The index of the element that stands for one outside; the nearest for the constant."""
    if fill_mode == "wrap":
        return mod(index, size)
    if fill_mode == "mirror":
        return _mirrored(index, size)
    if fill_mode == "reflect":
        return floor_divide(_mirrored(2 * index + 1, 2 * size + 1) - 1, 2)
    return clip(index, 0, size - 1)


def _steps(place: Any, order: int) -> list[tuple[Any, Any]]:
    """The elements that count at a place on one axis, with their weights."""
    if order == 0:
        return [(as_dtype(round_away(place), "int32"), None)]
    lower = floor(place)
    index, upper = as_dtype(lower, "int32"), place - lower
    return [(index, 1.0 - upper), (index + 1, upper)]


def _sample(x: Any, places: list[Any], order: int, fill_mode: str, fill_value: Any, n: Any) -> Any:
    """x (N, *S, C) read at one place array for each axis of S, in image `n`: (*place, C)."""
    sizes, channels = x.shape[1:-1], x.shape[-1]
    flat = reshape(x, (math.prod(x.shape[:-1]), channels))
    dtype = standardize_dtype(x.dtype)
    result: Any = None
    for steps in itertools.product(*(_steps(place, order) for place in places)):
        number, weight, valid = n, None, None
        for size, (index, share) in zip(sizes, steps):
            number = number * size + _inside(index, size, fill_mode)
            if share is not None:
                weight = share if weight is None else weight * share
            if fill_mode == "constant":
                here = logical_and(greater_equal(index, 0), less(index, size))
                valid = here if valid is None else logical_and(valid, here)
        term = take(flat, as_dtype(number, "int32"), axis=0)
        if valid is not None:
            term = where(expand_dims(valid, -1), term, as_dtype(fill_value, dtype))
        if weight is not None:
            term = as_dtype(expand_dims(weight, -1), dtype) * term
        result = term if result is None else result + term
    return result


@operation
def map_coordinates(
    inputs: Any,
    coordinates: Any,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Any:
    """``out[...] = inputs[coordinates[:, ...]]``, between elements by rounding or linearly; as
    `jax.scipy.ndimage.map_coordinates`.

    Parameters
    ----------
    inputs : tensor
        Of one axis or more.
    coordinates : tensor
        (rank of `inputs`, ...): a place on each axis for each element of the result. With order 1
        gradients flow into them too.
    order : {0, 1}
        The nearest element (halves away from zero), or the linear mean of the neighbours.
    fill_mode : {"constant", "nearest", "reflect", "mirror", "wrap"}
        What stands outside: `fill_value`, the nearest element, the array turned about its edge
        (``reflect``) or about its last element (``mirror``), or the array again. Default
        "constant".
    fill_value : float
        Outside with ``constant``. Default 0.

    Returns
    -------
    tensor
        Of the shape ``coordinates.shape[1:]`` and the inputs' dtype; integers are rounded.

    Raises
    ------
    ValueError
        An unknown order or fill mode.
    ShapeError
        Coordinates of rank 1, or for another number of axes.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> map_coordinates([0.0, 10.0, 20.0], [[0.5, 1.25]], order=1).tolist()
    [5.0, 12.5]
    """
    op = "map_coordinates"
    if order not in (0, 1):
        raise ValueError(
            f"{op}: Invalid value for argument `order`. Expected one of [0, 1]. "
            f"Received: order={order}"
        )
    check_choice(op, "fill_mode", fill_mode, FILL_MODES)
    inputs, coordinates = as_tensor(inputs), as_float(coordinates)
    if coordinates.ndim < 2:
        raise ShapeError(
            f"{op}: Invalid coordinates rank: expected at least rank 2. Received input with "
            f"shape: {tuple(coordinates.shape)}"
        )
    if coordinates.shape[0] != inputs.ndim:
        raise ShapeError(
            f"{op}: First dim of `coordinates` must be the same as the rank of `inputs`. "
            f"Received inputs with shape: {tuple(inputs.shape)} and coordinate leading dim of "
            f"{coordinates.shape[0]}"
        )
    places = [take_slice(coordinates, 0, i) for i in range(inputs.ndim)]

    def run(x: Any) -> Any:
        batch = reshape(x, (1, *x.shape, 1))
        found = _sample(batch, places, order, fill_mode, fill_value, np.int32(0))
        return reshape(found, coordinates.shape[1:])

    return in_float(inputs, run)


@operation
def elastic_transform(
    images: Any,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Any:
    """``out[y, x] = image[y + alpha v, x + alpha u]`` with u and v ``sigma`` times normal noise,
    blurred over a window of about ``6 sigma`` pixels.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    alpha : float
        How far pixels move. Default 20.0.
    sigma : float
        How smooth the movement is, in pixels. Default 5.0.
    interpolation : {"bilinear", "nearest"}
        The mean of the four pixels around a place, or the nearest. Default "bilinear".
    fill_mode : {"constant", "nearest", "reflect", "mirror", "wrap"}
        What stands outside: `fill_value`, the nearest element, the array turned about its edge
        (``reflect``) or about its last element (``mirror``), or the array again. Default "reflect".
    fill_value : float
        Outside with ``constant``. Default 0.0.
    seed : int or SeedGenerator, optional
        Of the noise. Default: other noise at each call.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        Of the images' shape and dtype.

    Raises
    ------
    ValueError
        An unknown interpolation, fill mode or data format.
    ShapeError
        Images of another rank.
    DTypeError
        `images` holds no numbers.

    References
    ----------
    Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> elastic_transform(np.ones((4, 5, 1)), sigma=0.5, seed=1).mean().item()
    1.0
    """
    op = "elastic_transform"
    check_choice(op, "interpolation", interpolation, INTERPOLATIONS)
    check_choice(op, "fill_mode", fill_mode, FILL_MODES)
    batch, back = as_batch(op, images, data_format)
    count, height, width, _ = batch.shape
    dtype = standardize_dtype(batch.dtype)
    noise_dtype = dtype if is_float_dtype(dtype) else None
    window = int(6 * float(sigma)) | 1
    noise = normal((count, height, width, 2), dtype=noise_dtype, seed=seed)
    noise = gaussian_blur(
        noise * float(sigma), (window, window), (float(sigma), float(sigma)), "channels_last"
    )
    moved = [
        as_dtype(_reshape(numbers(height), [1, height, 1]), standardize_dtype(noise.dtype)),
        as_dtype(_reshape(numbers(width), [1, 1, width]), standardize_dtype(noise.dtype)),
    ]
    places = [at + float(alpha) * take_slice(noise, 3, 1 - i) for i, at in enumerate(moved)]
    rows = _reshape(numbers(count), [count, 1, 1])
    order = INTERPOLATIONS.index(interpolation)

    def run(x: Any) -> Any:
        return _sample(x, places, order, fill_mode, fill_value, rows)

    return back(in_float(batch, run))
