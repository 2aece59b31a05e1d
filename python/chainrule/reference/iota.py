"""y[..., i, ...] = i along `axis`

no inputs, no gradient

Shapes: y attrs["shape"]. Dtypes: y attrs["dtype"].
Errors: an axis outside the rank.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs


def forward(attrs: Attrs) -> Array:
    """y = the place along attrs["axis"]"""
    return np.indices(tuple(attrs["shape"]))[attrs["axis"]].astype(attrs["dtype"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """There is no input."""
    return ()
