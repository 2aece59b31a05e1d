"""m' = m + (g - m) (1 - beta_1), v' = v + (g^2 - v) (1 - beta_2), w' = w - alpha m' / (sqrt v' + epsilon)

an update: no gradient flows through it

Shapes: w, g, m and v the same, alpha (); outputs w', m', v' as w. alpha holds the learning rate and
both bias corrections.
Errors: shapes or dtypes that differ.
Source: Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014 (arXiv 1412.6980).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs


def forward(
    attrs: Attrs, w: Array, g: Array, m: Array, v: Array, alpha: Array
) -> tuple[Array, Array, Array]:
    """w', m', v'"""
    kind = w.dtype.type
    m = m + (g - m) * kind(1 - attrs["beta_1"])
    v = v + (np.square(g) - v) * kind(1 - attrs["beta_2"])
    return w - alpha * m / (np.sqrt(v) + kind(attrs["epsilon"])), m, v


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """None for every input"""
    return (None,) * len(inputs)
