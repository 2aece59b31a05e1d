"""y = the indices that put x in ascending order along `axis`, equal elements in the order of x

no gradient

Shapes: y as x. Dtypes: numbers to int32. NaN sorts last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs


def forward(attrs: Attrs, x: Array) -> Array:
    """y = the stable order of x along attrs["axis"]"""
    return np.argsort(x, axis=attrs["axis"], kind="stable").astype(np.int32)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """An index is piecewise constant."""
    return (None,)
