"""One trilinear form, and its derivative by each of its factors: what the three conv ops compute.

    form(x, w, dy) = sum over n, o, k, i, c of x[n, o s + k d - lo, i] w[k, i, c] dy[n, o, c]

with strides s, dilations d and x zero outside its image. `by_dy` is the convolution, `by_x` its
transpose, `by_w` the gradient of its kernel. With groups, channel i meets channel c only where both
are of the same group.

Shapes: x (N, *S, I), w (*K, I / groups, C), dy (N, *O, C), each of 1 to 3 spatial axes, where
O = (S + lo + hi - (K - 1) d - 1) // s + 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.reference._arrays import Array, Attrs

Sizes = Sequence[int]


def output_sizes(attrs: Attrs, sizes: Sizes, kernel: Sizes) -> tuple[int, ...]:
    """O for images of `sizes` and a kernel of `kernel`.

    Examples
    --------
    >>> attrs = {"strides": [2], "padding": [1, 0], "dilations": [3]}
    >>> output_sizes(attrs, [10], [3])
    (3,)
    """
    ends = zip(attrs["padding"][::2], attrs["padding"][1::2])
    axes = zip(sizes, kernel, attrs["strides"], attrs["dilations"], ends, strict=True)
    return tuple((n + lo + hi - (k - 1) * d - 1) // s + 1 for n, k, s, d, (lo, hi) in axes)


def _padded(attrs: Attrs, x: Array) -> Array:
    ends = zip(attrs["padding"][::2], attrs["padding"][1::2])
    return np.pad(x, [(0, 0), *ends, (0, 0)])


def _windows(attrs: Attrs, kernel: Sizes, outputs: Sizes) -> Iterator[tuple[Any, Any]]:
    """Every offset k of the kernel, and where the padded image meets it: at o s + k d for all o."""
    for offset in itertools.product(*map(range, kernel)):
        axes = zip(offset, attrs["dilations"], attrs["strides"], outputs, strict=True)
        yield offset, (
            slice(None),
            *(slice(k * d, k * d + (o - 1) * s + 1, s) for k, d, s, o in axes),
        )


def _by_group(x: Array, groups: int) -> Array:
    """(..., C) -> (groups, rows, C / groups)"""
    rows, channels = int(np.prod(x.shape[:-1])), x.shape[-1]
    parts: Array = x.reshape(rows, groups, channels // groups).swapaxes(0, 1)
    return parts


def _together(x: Array, lead: Sizes) -> Array:
    """(groups, rows, C / groups) -> (*lead, C)"""
    groups, _, channels = x.shape
    whole: Array = x.swapaxes(0, 1).reshape(*lead, groups * channels)
    return whole


def by_dy(attrs: Attrs, x: Array, w: Array) -> Array:
    """y[n, o, c] = sum over k, i of x[n, o s + k d - lo, i] w[k, i, c]"""
    kernel, groups = w.shape[:-2], attrs["groups"]
    outputs = output_sizes(attrs, x.shape[1:-1], kernel)
    padded = _padded(attrs, x)
    y = np.zeros((x.shape[0], *outputs, w.shape[-1]), x.dtype)
    for k, window in _windows(attrs, kernel, outputs):
        seen = padded[window]  # (N, *O, I)
        product = _by_group(seen, groups) @ _by_group(w[k], groups)  # (groups, N * O, C / groups)
        y += _together(product, y.shape[:-1])
    return y


def by_x(attrs: Attrs, dy: Array, w: Array, sizes: Sizes) -> Array:
    """dx[n, p, i] = sum over c and all o, k with o s + k d - lo = p of w[k, i, c] dy[n, o, c]"""
    kernel, groups = w.shape[:-2], attrs["groups"]
    channels = w.shape[-2] * groups
    dx = np.zeros((dy.shape[0], *sizes, channels), dy.dtype)
    padded = _padded(attrs, dx)
    for k, window in _windows(attrs, kernel, dy.shape[1:-1]):
        product = _by_group(dy, groups) @ _by_group(w[k], groups).swapaxes(1, 2)
        padded[window] += _together(product, dy.shape[:-1])
    axes = zip(attrs["padding"][::2], sizes, strict=True)
    inside = (slice(None), *(slice(lo, lo + n) for lo, n in axes))
    return np.ascontiguousarray(padded[inside])


def by_w(attrs: Attrs, x: Array, dy: Array, kernel: Sizes) -> Array:
    """dw[k, i, c] = sum over n, o of x[n, o s + k d - lo, i] dy[n, o, c]"""
    groups = attrs["groups"]
    channels = x.shape[-1] // groups
    padded = _padded(attrs, x)
    dw = np.zeros((*kernel, channels, dy.shape[-1]), x.dtype)
    for k, window in _windows(attrs, kernel, dy.shape[1:-1]):
        seen = padded[window]  # (N, *O, I)
        product = _by_group(seen, groups).swapaxes(1, 2) @ _by_group(dy, groups)
        dw[k] = _together(product, (channels,))
    return dw
