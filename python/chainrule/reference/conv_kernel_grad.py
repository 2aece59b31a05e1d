"""dw[k, i, c] = sum over n, o of x[n, o s + k d - lo, i] dy[n, o, c]

The transpose of `conv` as a map of its kernel, which has attrs["kernel"]; dx = conv_transpose of dy
and dout, ddy = conv of x and dout

Shapes: x (N, *S, I), dy (N, *O, C), dw (*kernel, I / groups, C). Dtypes: floats.
Errors: O that is not that of the convolution; channels that are not divisible by groups.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._convolution import by_dy, by_w, by_x


def forward(attrs: Attrs, x: Array, dy: Array) -> Array:
    """dw, of attrs["kernel"]"""
    return by_w(attrs, x, dy, attrs["kernel"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = conv_transpose(dy, dout), ddy = conv(x, dout)"""
    x, dy = inputs
    dout = needed(douts[0])  # (*kernel, I / groups, C)
    return by_x(attrs, dy, dout, x.shape[1:-1]), by_dy(attrs, x, dout)
