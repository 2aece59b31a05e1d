"""y[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...]

dx = dout with the inverse permutation

Shapes: axis j of y is axis axes[j] of x.
Errors: axes that are no permutation of the axes of x.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x with its axes in the order attrs["axes"]"""
    return np.transpose(x, attrs["axes"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout with the inverse permutation"""
    if not is_float(inputs[0]):
        return (None,)
    inverse = [int(i) for i in np.argsort(attrs["axes"])]
    return (needed(douts[0]).transpose(inverse),)
