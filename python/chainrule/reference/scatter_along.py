"""y = zeros with y[..., indices[..., i, ...], ...] += x[..., i, ...] along `axis`

dx = dout at the indices (gather_along)

Shapes: x and indices the same; y as x but with `size` along `axis`. Dtypes: indices integer.
Errors: shapes that differ, an index outside [-size, size).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, index_along, is_float, needed


def forward(attrs: Attrs, x: Array, indices: Array) -> Array:
    """y = zeros with x added up at the indices"""
    shape = list(x.shape)
    shape[attrs["axis"]] = attrs["size"]
    y = np.zeros(shape, x.dtype)
    np.add.at(y, index_along(indices, attrs["axis"]), x)
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout at the indices"""
    x, indices = inputs
    if not is_float(x):
        return None, None
    return np.take_along_axis(needed(douts[0]), indices, axis=attrs["axis"]), None
