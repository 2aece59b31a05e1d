"""y[..., i, ...] = x[..., indices[i], ...] along `axis`

dx = dout added up at the places it was taken from (scatter_add)

Shapes: x (before, n, after), indices any shape, y (before, indices' shape, after). Dtypes: indices
integer.
Errors: an index outside [-n, n).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import scatter_add
from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array, indices: Array) -> Array:
    """y = x at the indices along attrs["axis"]"""
    return np.asarray(np.take(x, indices, axis=attrs["axis"]))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout added up at the indices"""
    x, indices = inputs
    if not is_float(x):
        return None, None
    place = {"axis": attrs["axis"], "size": x.shape[attrs["axis"]]}
    return scatter_add.forward(place, needed(douts[0]), indices), None
