"""X_k = c_k sum_t x_t exp(-2 pi i k t / n), k from 0 to n // 2

c_k is 1, or with `both` 2 where X_{n-k} is another number, its conjugate; over n with `mean`.
dx_t = sum_k c_k (dRe_k cos(2 pi k t / n) - dIm_k sin(2 pi k t / n))

Shapes: x (..., n), real and imaginary part (..., n // 2 + 1). Dtypes: floats.
Errors: no axis, or an empty one.
Source: Oppenheim & Schafer, Discrete-Time Signal Processing, 3rd ed., section 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._fourier import waves


def weighted(attrs: Attrs, n: int) -> Array:
    """The waves of the numbers kept, each times c_k."""
    bins = n // 2 + 1
    factors = np.ones(bins)
    if attrs["both"]:
        factors[1 : (n + 1) // 2] = 2.0
    if attrs["mean"]:
        factors /= n
    return np.asarray(factors[:, None] * waves(n, bins))


def forward(attrs: Attrs, x: Array) -> tuple[Array, ...]:
    """X as in the head of this file"""
    matrix = weighted(attrs, x.shape[-1])
    return x @ matrix.real.T, x @ matrix.imag.T


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx as in the head of this file"""
    re, im = (np.zeros_like(y) if d is None else d for y, d in zip(outputs, douts))
    matrix = weighted(attrs, inputs[0].shape[-1])
    return (re @ matrix.real + im @ matrix.imag,)
