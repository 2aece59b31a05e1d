"""Resizing and its adjoint, which are each other's gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.reference._arrays import Array, Attrs


def _cubic(x: Array) -> Array:
    """Keys's function with a = -1/2"""
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius: int) -> Callable[[Array], Array]:
    def function(x: Array) -> Array:
        """sinc(x) sinc(x / radius) within the radius; 1 closer than 0.001, as JAX has it"""
        inside = np.sinc(x) * np.sinc(x / radius)
        return np.where(x > 1e-3, np.where(x > radius, 0, inside), 1)

    return function


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "bilinear": lambda x: np.maximum(0, 1 - x),
    "bicubic": _cubic,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


def nearest(inputs: int, outputs: int) -> Array:
    """The element that each output copies, rounded in float32 as JAX rounds."""
    places = (np.arange(outputs, dtype=np.float32) + np.float32(0.5)) * np.float32(inputs)
    return np.asarray(np.minimum((places / np.float32(outputs)).astype(np.int64), inputs - 1))


def weights(attrs: Attrs, inputs: int, outputs: int) -> Array:
    """The matrix (outputs, inputs) of one axis"""
    if inputs == outputs:
        return np.eye(inputs)
    if attrs["method"] == "nearest":
        return np.eye(inputs)[nearest(inputs, outputs)]
    ratio = inputs / outputs
    centre = (np.arange(outputs) + 0.5) * ratio - 0.5
    width = max(ratio, 1.0) if attrs["antialias"] else 1.0
    distance = np.abs(centre[:, np.newaxis] - np.arange(inputs)) / width
    raw = _FUNCTIONS[attrs["method"]](distance)
    total = raw.sum(axis=1, keepdims=True)
    used = np.abs(total) > 1000 * np.finfo(np.float32).eps
    return np.asarray(np.where(used, raw / np.where(used, total, 1), 0))


def resized(attrs: Attrs, x: Array) -> Array:
    """y = R x C^T for every image and channel"""
    height, width = attrs["size"]
    if attrs["method"] == "nearest":
        return np.asarray(x[:, nearest(x.shape[1], height)][:, :, nearest(x.shape[2], width)])
    rows, columns = weights(attrs, x.shape[1], height), weights(attrs, x.shape[2], width)
    return np.asarray(np.einsum("ih,jw,nhwc->nijc", rows, columns, x, optimize=True))


def adjoint(attrs: Attrs, x: Array) -> Array:
    """y = R^T x C for every image and channel"""
    height, width = attrs["size"]
    rows = weights(attrs, height, x.shape[1])
    columns = weights(attrs, width, x.shape[2])
    return np.asarray(np.einsum("ih,jw,nijc->nhwc", rows, columns, x, optimize=True))
