"""y = x in another dtype

dx = dout in x's dtype between floats; none to or from integers and bool

Shapes: y as x. Float to integer drops the fraction; anything to bool is x != 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x in attrs["dtype"]"""
    with np.errstate(all="ignore"):
        return x.astype(attrs["dtype"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout"""
    (x,) = inputs
    if not (is_float(x) and is_float(outputs[0])):
        return (None,)
    return (needed(douts[0]).astype(x.dtype),)
