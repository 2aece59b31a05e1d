"""X_k = sum_t x_t exp(-2 pi i k t / n); exp(+...) with `inverse`; over n with `mean`

dx_t = sum_k dX_k exp(+2 pi i k t / n), the conjugate's transform

Shapes: real and imaginary part (..., n) each, in and out. Dtypes: floats.
Errors: parts that differ in shape or dtype, no axis, an empty one.
Source: Oppenheim & Schafer, Discrete-Time Signal Processing, 3rd ed., section 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._fourier import waves


def _transform(attrs: Attrs, re: Array, im: Array, inverse: bool) -> tuple[Array, Array]:
    n = re.shape[-1]
    matrix = waves(n, n)
    if inverse:
        matrix = np.conj(matrix)
    if attrs["mean"]:
        matrix = matrix / n
    made = (re + 1j * im) @ matrix.T
    return made.real, made.imag


def forward(attrs: Attrs, re: Array, im: Array) -> tuple[Array, ...]:
    """X as in the head of this file"""
    return _transform(attrs, re, im, attrs["inverse"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx as in the head of this file: the matrix is symmetric"""
    re, im = (np.zeros_like(y) if d is None else d for y, d in zip(outputs, douts))
    return _transform(attrs, re, im, not attrs["inverse"])
