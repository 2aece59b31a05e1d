"""y = x as a number of a narrower format, in the dtype of x

Halves ("float16", "bfloat16") are rounded to the nearest, ties to the even one; "int8", "int16" and
"uint16" wrap around. The format "float64" leaves x as it is.

dx = dout, rounded alike; none of integers

Shapes: y as x. Source: IEEE 754-2019, 4.3.1; bfloat16 is the upper half of a float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed

# Bits of the significand, the leading one counted, and the exponent of the smallest normal number
# and of the largest.
_HALVES = {"float16": (11, -14, 15), "bfloat16": (8, -126, 127)}


def _rounded(x: Array, dtype: str) -> Array:
    if dtype == "float64":
        return x
    bits, least, most = _HALVES[dtype]
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        exponent = np.maximum(np.frexp(wide)[1] - 1, least)
        # The distance of the format's numbers around x; a quotient by a power of 2 is exact.
        step = np.ldexp(1.0, exponent - (bits - 1))
        y = np.rint(wide / step) * step
        y = np.where(np.abs(y) < 2.0 ** (most + 1), y, np.copysign(np.inf, wide))
        y = np.where(np.isnan(wide), wide, y)
        return np.copysign(y, wide).astype(x.dtype)


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x in the format attrs["format"]"""
    dtype = attrs["format"]
    if "int" in dtype:
        return x.astype(dtype).astype(x.dtype)
    return _rounded(x, dtype)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout in the format"""
    (x,) = inputs
    if "int" in attrs["format"]:
        return (None,)
    return (_rounded(needed(douts[0]), attrs["format"]).astype(x.dtype),)
