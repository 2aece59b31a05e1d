"""y[i, j, ...] = x[start_0 + i * step_0, start_1 + j * step_1, ...]

dx = dout scattered into zeros (slice_grad)

Shapes: start, stop and step hold one entry an axis, already normalised: 0 <= start; a stop of -1
with a negative step means "to the front". Errors: another number of entries, a step of 0, a range
beyond the axis.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence

import numpy as np

from chainrule.reference import slice_grad
from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x[start:stop:step, ...]"""
    limits = zip(attrs["start"], attrs["stop"], attrs["step"], strict=True)
    window = [builtins.slice(a, None if b < 0 else b, s) for a, b, s in limits]
    return np.array(x[tuple(window)])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout scattered into zeros of the shape of x"""
    (x,) = inputs
    if not is_float(x):
        return (None,)
    place = {"shape": x.shape, "start": attrs["start"], "step": attrs["step"]}
    return (slice_grad.forward(place, needed(douts[0])),)
