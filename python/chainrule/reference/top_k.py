"""values, indices = the k largest elements of the last axis, largest first, ties in order of index

dx = dvalues carried back to the indices, 0 elsewhere

Shapes: x (..., n), values and indices (..., k). Dtypes: values as x, indices int32.
Errors: k outside [0, n], rank 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> tuple[Array, Array]:
    """values, indices of the k largest"""
    # Ascending and stable on the reversed row, read backwards: descending, lower index first.
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    indices = order[..., : attrs["k"]]
    return np.take_along_axis(x, indices, axis=-1), indices.astype(np.int32)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx[..., indices[i]] = dvalues[..., i]"""
    (x,) = inputs
    if not is_float(x):
        return (None,)
    dx = np.zeros_like(x)
    np.put_along_axis(dx, outputs[1].astype(np.int64), needed(douts[0]), axis=-1)
    return (dx,)
