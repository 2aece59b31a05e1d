"""y = x / (1 - rate) where u >= rate, else 0, with u uniform in [0, 1)

dx = dout / (1 - rate) where u >= rate, else 0: the same op on dout

Shapes: x any, seed uint32 (2,), y as x. u is the float32 uniform of `random` for either dtype of x,
so a model drops the same elements in float32 and float64.
Errors: a rate outside [0, 1).
Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.random import uniform


def forward(attrs: Attrs, x: Array, seed: Array) -> Array:
    """y = x / (1 - rate) where kept"""
    kept = uniform(seed, x.size, "float32").reshape(x.shape) >= attrs["rate"]
    return np.where(kept, x / x.dtype.type(1 - attrs["rate"]), 0).astype(x.dtype)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = the same op on dout"""
    return forward(attrs, needed(douts[0]), inputs[1]), None
