"""y[n, o..., c] = max, or mean, of x[n, i..., c] over the window of o that lies inside the image

dx = `pool_grad` of x, y and dout

Shapes: x (N, *S, C) with 1 to 3 spatial axes; the window of place o begins at o * stride - before,
y (N, *O, C) with O = (S + before + after - window) // stride + 1. `padding` holds before and after
of each axis, both below the window.
Errors: another rank, a window wider than the padded image, a stride or window of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.reference import pool_grad
from chainrule.reference._arrays import Array, Attrs, needed

FUNCTIONS: dict[str, Callable[..., Array]] = {"max": np.max, "mean": np.mean}


def forward(attrs: Attrs, x: Array) -> Array:
    """y, one window after the other"""
    pooled = FUNCTIONS[attrs["function"]]
    around = zip(x.shape[1:-1], attrs["padding"][0::2], attrs["padding"][1::2], strict=True)
    sizes = zip((n + a + b for n, a, b in around), attrs["window"], attrs["strides"], strict=True)
    y = np.empty((x.shape[0], *((n - k) // s + 1 for n, k, s in sizes), x.shape[-1]), x.dtype)
    for place, span in pool_grad.windows(attrs, x.shape):
        y[place] = pooled(x[span], axis=tuple(range(1, x.ndim - 1)))
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx of the maxima or means"""
    (x,) = inputs
    return (pool_grad.forward(attrs, x, outputs[0], needed(douts[0])),)
