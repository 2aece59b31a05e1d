"""y = det(x), or the sign of det(x) and ln |det(x)| if `log`

dx = dy times the cofactors; of the logarithm dy x^-T

Shapes: x (..., n, n), y (...).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import cofactors
from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._matrices import turned


def forward(attrs: Attrs, x: Array) -> tuple[Array, ...]:
    """y, or sign and logarithm"""
    if attrs["log"]:
        sign, log = np.linalg.slogdet(x)
        return np.asarray(sign), np.asarray(log)
    return (np.asarray(np.linalg.det(x)),)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx"""
    (x,) = inputs
    if not attrs["log"]:
        return (needed(douts[0])[..., None, None] * cofactors.forward({}, x),)
    if douts[1] is None:
        return (None,)
    return (douts[1][..., None, None] * turned(np.linalg.inv(x)),)
