"""P = V S^-1 U^T of x = U S V^T; singular values up to `rcond` times the largest count as 0

dx = -P^T dP P^T + (1 - x P) dP^T P P^T + P^T P dP^T (1 - P x), where the rank stays the same

Shapes: x (..., m, n), P (..., n, m). (Golub & Pereyra 1973)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._matrices import turned


def forward(attrs: Attrs, x: Array) -> Array:
    """P"""
    return np.asarray(np.linalg.pinv(x, attrs["rcond"]))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx"""
    (x,), (p,) = inputs, outputs
    dp = needed(douts[0])
    pt, dpt = turned(p), turned(dp)
    missed_rows = np.eye(x.shape[-2]) - x @ p
    missed_columns = np.eye(x.shape[-1]) - p @ x
    return (-pt @ dp @ pt + missed_rows @ dpt @ p @ pt + pt @ p @ dpt @ missed_columns,)
