"""y = the bytes of x, the lowest of an element first, read as attrs["dtype"]

no gradient: bytes are no numbers

Shapes: y as x; with another width the last axis by the ratio of widths. Errors: bool, and bytes
that are no whole elements.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs


def forward(attrs: Attrs, x: Array) -> Array:
    """y"""
    lowest_first = np.ascontiguousarray(x).astype(x.dtype.newbyteorder("<"))
    target = np.dtype(attrs["dtype"])
    read = lowest_first.reshape(x.shape).view(target.newbyteorder("<"))
    return np.asarray(read.astype(target))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """none"""
    return (None,)
