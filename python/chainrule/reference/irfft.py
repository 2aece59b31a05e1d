"""x_t = sum_k c_k (Re_k cos(2 pi k t / n) - Im_k sin(2 pi k t / n)), k from 0 to n // 2

c_k is 1, or with `both` 2 where X_{n-k} is another number, its conjugate; over n with `mean`.
dRe_k = c_k sum_t dx_t cos(2 pi k t / n);  dIm_k = -c_k sum_t dx_t sin(2 pi k t / n)

Shapes: real and imaginary part (..., n // 2 + 1), x (..., n) with n the `length`. Dtypes: floats.
Errors: parts that differ in shape or dtype, a last axis of another size, a length of 0.
Source: Oppenheim & Schafer, Discrete-Time Signal Processing, 3rd ed., section 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.rfft import weighted


def forward(attrs: Attrs, re: Array, im: Array) -> Array:
    """x as in the head of this file"""
    matrix = weighted(attrs, attrs["length"])
    return np.asarray(re @ matrix.real + im @ matrix.imag)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dRe and dIm as in the head of this file"""
    matrix = weighted(attrs, attrs["length"])
    dout = needed(douts[0])
    return dout @ matrix.real.T, dout @ matrix.imag.T
