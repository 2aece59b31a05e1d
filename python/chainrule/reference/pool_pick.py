"""y_w = values at the element that a pool of maxima chooses in the window w

dvalues_i = sum of dy_w over the windows whose first element equal to p_w is i; none flows to x and p

Shapes: x and values (N, *S, C), p, the maxima of x, and y (N, *O, C). "First" is in index order; where
p_w is NaN it is the first NaN.
Errors: as `pool`; p or values of another shape; means instead of maxima.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import pool_grad
from chainrule.reference._arrays import Array, Attrs, needed

_, _chosen = pool_grad.FUNCTIONS["max"]


def forward(attrs: Attrs, x: Array, p: Array, values: Array) -> Array:
    """y of each window"""
    y = np.zeros_like(p)
    for place, span in pool_grad.windows(attrs, x.shape):
        y[place] = _chosen(x[span], p[place], values[span])
    return y


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dvalues, each window adding its share"""
    x, p, _ = inputs
    return None, None, pool_grad.forward(attrs, x, p, needed(douts[0]))
