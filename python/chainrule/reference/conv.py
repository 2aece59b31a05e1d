"""y[n, o, c] = f(sum over k, i of x[n, o s + k d - lo, i] w[k, i, c] + b[c]), zeros outside x

dz = dout * f'(z);  dx = the transposed convolution of dz;  dw[k, i, c] = sum over n, o of
x[n, o s + k d - lo, i] dz[n, o, c];  db = sum of dz over all but the channels

Shapes: x (N, *S, I), w (*K, I / groups, C), b (C,) or absent, y (N, *O, C); O as in
`chainrule.reference._convolution`. f is one of linear, relu, sigmoid, tanh. Dtypes: floats.
Errors: ranks, channels that do not fit, a kernel larger than the padded image.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._convolution import by_dy, by_w, by_x
from chainrule.reference.dense import ACTIVATIONS


def forward(attrs: Attrs, x: Array, w: Array, b: Array | None = None) -> Array:
    """y = f(x * w + b)"""
    z = by_dy(attrs, x, w)
    return ACTIVATIONS[attrs["activation"]][0](z if b is None else z + b)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dz = dout * f'(z), then the derivatives of a bilinear map"""
    x, w, *bias = inputs
    dz = needed(douts[0]) * ACTIVATIONS[attrs["activation"]][1](outputs[0])  # (N, *O, C)
    dx = by_x(attrs, dz, w, x.shape[1:-1])
    dw = by_w(attrs, x, dz, w.shape[:-2])
    db = (dz.sum(axis=tuple(range(dz.ndim - 1))) for _ in bias)
    return dx, dw, *db
