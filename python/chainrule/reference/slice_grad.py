"""y = zeros(shape) with y[start_0 + i * step_0, start_1 + j * step_1, ...] = x[i, j, ...]

dx = dout at the places that were written

Shapes: y has attrs["shape"]; x fits into it from start in steps of step. With step 1 this pads x
with zeros.
Errors: places outside the shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def _places(attrs: Attrs, x: Array) -> tuple[Any, ...]:
    axes = zip(attrs["start"], attrs["step"], x.shape, strict=True)
    return np.ix_(*(start + step * np.arange(n) for start, step, n in axes))


def forward(attrs: Attrs, x: Array) -> Array:
    """y = zeros with x written at its places"""
    y = np.zeros(tuple(attrs["shape"]), x.dtype)
    y[_places(attrs, x)] = x
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout at the places of x"""
    (x,) = inputs
    return (needed(douts[0])[_places(attrs, x)] if is_float(x) else None,)
