"""y = zeros with y[..., indices[i], ...] += x[..., i, ...] along `axis`

dx = dout at the indices (gather)

Shapes: x (before, indices' shape, after), y (before, size, after). Dtypes: indices integer.
Errors: an index outside [-size, size).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array, indices: Array) -> Array:
    """y = zeros with x added up at the indices"""
    axis = attrs["axis"]
    before, after = x.shape[:axis], x.shape[axis + indices.ndim :]
    # (indices, before, after)
    rows = np.moveaxis(x.reshape(*before, indices.size, *after), axis, 0)
    y = np.zeros((attrs["size"], *before, *after), x.dtype)
    np.add.at(y, indices.ravel(), rows)
    return np.moveaxis(y, 0, axis)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout at the indices"""
    x, indices = inputs
    if not is_float(x):
        return None, None
    return np.asarray(np.take(needed(douts[0]), indices, axis=attrs["axis"])), None
