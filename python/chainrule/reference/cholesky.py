"""x = L L^T, L lower triangular

S = L^-T f(L^T dL) L^-1, f the lower triangle with half its diagonal; dx = the lower triangle of
S + S^T with half its diagonal (Murray 2016)

Shapes: x and L (..., n, n). The lower triangle of x is read. Errors: x that is not positive
definite.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._matrices import folded, turned


def forward(attrs: Attrs, x: Array) -> Array:
    """L"""
    return np.asarray(np.linalg.cholesky(x))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, below the diagonal and on it"""
    inner = np.tril(turned(outputs[0]) @ np.tril(needed(douts[0])))
    inner = inner - np.tril(np.triu(inner)) / 2
    inverse = np.linalg.inv(outputs[0])
    return (folded(turned(inverse) @ inner @ inverse),)
