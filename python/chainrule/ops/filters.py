"""Filters of images: the Gaussian blur, Sobel's edges, and the similarity of structure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.loading import take_elements
from chainrule.ops._images import as_batch, in_float
from chainrule.ops.arranging import tile
from chainrule.ops.elementwise import exp, square
from chainrule.ops.indexing import take_slice
from chainrule.ops.joining import stack
from chainrule.ops.reductions import mean, sum
from chainrule.ops.shaping import reshape, squeeze
from chainrule.tracing.casting import as_dtype, as_float, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation
from chainrule.tracing.tensor import shape_equal

__all__ = ["gaussian_blur", "sobel_edges", "ssim"]


def _depthwise(images: Any, line: Any, axis: int, same: bool = True) -> Any:
    """Each channel of (N, H, W, C) correlated with `line` along axis 1 or 2; zeros outside the
    image where the size is to stay the same."""
    size, channels = line.shape[0], images.shape[-1]
    shape = (size, 1, 1, 1) if axis == 1 else (1, size, 1, 1)
    kernel = tile(reshape(line, shape), (1, 1, 1, channels))
    before = (size - 1) // 2 if same else 0
    after = size - 1 - before if same else 0
    padding = [before, after, 0, 0] if axis == 1 else [0, 0, before, after]
    attrs = {
        "strides": [1, 1],
        "padding": padding,
        "dilations": [1, 1],
        "groups": channels,
        "activation": "linear",
    }
    return apply("conv", attrs, [images, kernel])


def _gaussian(size: int, sigma: Any, dtype: str) -> Any:
    """``exp(-(x / sigma)^2 / 2)`` at `size` whole steps around 0, with the sum 1."""
    take_elements("gaussian_blur", size)
    steps = np.arange(size, dtype=dtype) - np.asarray((size - 1) / 2, dtype)
    raw = exp(square(steps / sigma) * -0.5)
    return raw / sum(raw)


@operation
def gaussian_blur(
    images: Any,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Any = (1.0, 1.0),
    data_format: str | None = None,
) -> Any:
    """``out = image * exp(-(x / sigma)^2 / 2) / Z``: the mean over a window, with Gaussian weights;
    as Keras's `ops.image.gaussian_blur`. Zeros stand outside the image.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    kernel_size : (int, int)
        Of the window, its width and its height in pixels. Default (3, 3).
    sigma : (float, float) or tensor of 2
        The standard deviations along the width and the height, in pixels. Default (1.0, 1.0).
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        Of the images' shape and dtype; integers are rounded.

    Raises
    ------
    ValueError
        Not two sizes, one that is not positive, or an unknown data format.
    ShapeError
        Images of another rank, or not two deviations.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> spot = np.zeros((3, 3, 1)); spot[1, 1] = 1.0
    >>> gaussian_blur(spot, (3, 3), (1.0, 1.0)).round(3)[1].ravel().tolist()
    [0.124, 0.204, 0.124]
    """
    if len(kernel_size) != 2 or not all(int(n) > 0 for n in kernel_size):
        raise ValueError(
            "gaussian_blur: `kernel_size` must be a tuple of 2 positive integers. Received: "
            f"kernel_size={kernel_size}"
        )
    batch, back = as_batch("gaussian_blur", images, data_format)
    sigma = as_tensor(sigma)
    if not shape_equal(sigma.shape, (2,)):
        raise ShapeError(
            f"gaussian_blur: expected 2 deviations, sigma of shape (2,), got {tuple(sigma.shape)}"
        )

    def run(x: Any) -> Any:
        dtype = standardize_dtype(x.dtype)
        deviations = as_dtype(sigma, dtype)
        for i, axis in ((1, 1), (0, 2)):
            line = _gaussian(int(kernel_size[i]), take_slice(deviations, 0, i), dtype)
            x = _depthwise(x, line, axis)
        return x

    return back(in_float(batch, run))


@operation
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """The derivatives by y and x, smoothed: ``[1 2 1]`` along one axis and ``[-1 0 1]`` along the
    other; zeros stand outside the image.

    Parameters
    ----------
    images : tensor
        (H, W, C), or a batch (N, H, W, C); channels stand in front of H with ``channels_first``.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        As `images`, with a last axis of 2: by y, by x; in their float dtype.

    Raises
    ------
    ShapeError
        Images of another rank.
    ValueError
        An unknown data format.
    DTypeError
        `images` holds no numbers.

    References
    ----------
    Sobel and Feldman, A 3x3 Isotropic Gradient Operator for Image Processing, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.tile(np.arange(3.0), (3, 1))[..., np.newaxis]
    >>> sobel_edges(ramp)[1, 1].tolist()
    [[0.0, 8.0]]
    """
    batch, back = as_batch("sobel_edges", images, data_format)
    batch = as_float(batch)
    dtype = standardize_dtype(batch.dtype)
    smooth, slope = as_dtype([1.0, 2.0, 1.0], dtype), as_dtype([-1.0, 0.0, 1.0], dtype)
    by_y = _depthwise(_depthwise(batch, slope, 1), smooth, 2)
    by_x = _depthwise(_depthwise(batch, smooth, 1), slope, 2)
    return stack([back(by_y), back(by_x)], axis=-1)


@operation
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """``mean of (2 m1 m2 + c1)(2 s12 + c2) / ((m1^2 + m2^2 + c1)(s1^2 + s2^2 + c2))`` with the
    local means, variances and covariance under a Gaussian window, ``c = (k max_val)^2``.

    Parameters
    ----------
    image1, image2 : tensor
        (H, W, C), or batches (N, H, W, C), of one shape; channels stand in front of H with
        ``channels_first``.
    max_val : float
        The largest possible value: 1, or 255. Default 1.0.
    filter_size : int
        Of the window; images may not be smaller. Default 11.
    filter_sigma : float
        The window's standard deviation, in pixels. Default 1.5.
    k1 : float
        Keeps the quotient of means finite. Default 0.01.
    k2 : float
        Keeps the quotient of variances finite. Default 0.03.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.

    Returns
    -------
    tensor
        A scalar, or (N,), in the dtype of `image1`: 1 for equal images.

    Raises
    ------
    ShapeError
        Images of another rank, of different shapes, or smaller than the window.
    ValueError
        An unknown data format.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Wang, Bovik, Sheikh and Simoncelli, Image Quality Assessment: From Error Visibility to
    Structural Similarity, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.linspace(0.0, 1.0, 144).reshape(12, 12, 1)
    >>> round(float(ssim(image, image)), 6)
    1.0
    """
    first, _ = as_batch("ssim", image1, data_format)
    second, _ = as_batch("ssim", image2, data_format)
    if not shape_equal(first.shape, second.shape):
        raise ShapeError(
            "ssim: expected two images of one shape, got "
            f"{tuple(as_tensor(image1).shape)} and {tuple(as_tensor(image2).shape)}"
        )
    dtype = standardize_dtype(first.dtype)
    first = as_float(first)
    wide = standardize_dtype(first.dtype)
    second = as_dtype(second, wide)
    window = _gaussian(filter_size, as_dtype(filter_sigma, wide), wide)
    found = _similarity(
        first,
        second,
        lambda x: _depthwise(_depthwise(x, window, 1, same=False), window, 2, same=False),
        (k1 * max_val) ** 2,
        (k2 * max_val) ** 2,
    )
    result = as_dtype(mean(found, axis=(1, 2, 3)), dtype)
    return squeeze(result, 0) if as_tensor(image1).ndim == 3 else result


def _similarity(x: Any, y: Any, local: Callable[[Any], Any], c1: float, c2: float) -> Any:
    """The quotient at each pixel, for the local mean `local`."""
    mean_x, mean_y = local(x), local(y)
    square_x, square_y, product = mean_x * mean_x, mean_y * mean_y, mean_x * mean_y
    variances = local(x * x) - square_x + (local(y * y) - square_y)
    covariance = local(x * y) - product
    numerator = (2.0 * product + c1) * (2.0 * covariance + c2)
    return numerator / ((square_x + square_y + c1) * (variances + c2))
