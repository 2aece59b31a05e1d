"""y = x in ascending order along `axis`

dx = dout carried back to where each element came from; of equal elements the first in x is the
first in y

Shapes: y as x. NaN sorts last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x in ascending order along attrs["axis"]"""
    return np.sort(x, axis=attrs["axis"], kind="stable")


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx[..., order[i], ...] = dout[..., i, ...]"""
    (x,) = inputs
    if not is_float(x):
        return (None,)
    dx = np.zeros_like(x)
    order = np.argsort(x, axis=attrs["axis"], kind="stable")
    np.put_along_axis(dx, order, needed(douts[0]), axis=attrs["axis"])
    return (dx,)
