"""y = f(x @ w + b), f one of linear, relu, sigmoid, tanh

dz = dout * f'(z);  dx = dz @ w^T;  dw = x^T @ dz;  db = sum of dz over all but the last axis

Shapes: x (..., k), w (k, n), b (n,), y (..., n). Dtypes: floats.
Errors: k or n that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.unary import sigmoid

# activation(z) and its derivative from y = activation(z)
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0), lambda y: (y > 0).astype(y.dtype)),
    "sigmoid": (sigmoid, lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda y: (1 - y) * (1 + y)),
}


def forward(attrs: Attrs, x: Array, w: Array, b: Array) -> Array:
    """y = f(x @ w + b)"""
    return ACTIVATIONS[attrs["activation"]][0](np.matmul(x, w) + b)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dz = dout * f'(z), then the derivatives of an affine map"""
    x, w, _ = inputs
    dz = needed(douts[0]) * ACTIVATIONS[attrs["activation"]][1](outputs[0])  # (..., n)
    k, n = w.shape
    rows = dz.reshape(dz.size // n if n else 0, n)  # (rows, n)
    dx = np.matmul(dz, w.T)
    dw = x.reshape(rows.shape[0], k).T @ rows if n else np.zeros_like(w)
    return dx, dw, rows.sum(axis=0)
