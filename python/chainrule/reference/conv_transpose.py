"""dx[n, p, i] = sum over c and all o, k with o s + k d - lo = p of w[k, i, c] dy[n, o, c]

The transpose of `conv` as a map of x, whose images have attrs["sizes"]; ddy = conv of dout,
dw = conv_kernel_grad of dout and dy

Shapes: dy (N, *O, C), w (*K, I / groups, C), dx (N, *sizes, I). Dtypes: floats.
Errors: sizes whose convolution is not of O; channels that do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._convolution import by_dy, by_w, by_x


def forward(attrs: Attrs, dy: Array, w: Array) -> Array:
    """dx, of attrs["sizes"]"""
    return by_x(attrs, dy, w, attrs["sizes"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """ddy = conv(dout, w), dw = conv_kernel_grad(dout, dy)"""
    dy, w = inputs
    dout = needed(douts[0])  # (N, *sizes, I)
    return by_dy(attrs, dout, w), by_w(attrs, dout, dy, w.shape[:-2])
