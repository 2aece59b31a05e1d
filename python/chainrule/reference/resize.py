"""y[n, i, j, c] = sum over h, w of R[i, h] C[j, w] x[n, h, w, c]

dx[n, h, w, c] = sum over i, j of R[i, h] C[j, w] dout[n, i, j, c] (resize_grad)

Shapes: x (N, H, W, C), y (N, size[0], size[1], C), R (size[0], H), C (size[1], W). Pixel i is the
square from i to i + 1, so output i reads around (i + 1/2) H / size - 1/2. A row of R holds the
method's function of the distances, divided by their sum; with antialias and a smaller output the
function is widened by the ratio of the sizes. An axis that keeps its size is copied.
Dtypes: nearest takes any.
Errors: a size of 0, images without pixels.
Source: Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981; Duchon, Lanczos
Filtering in One and Two Dimensions, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import _resizing
from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = R x C^T for every image and channel"""
    return _resizing.resized(attrs, x)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = R^T dout C"""
    (x,) = inputs
    if not is_float(x):
        return (None,)
    return (_resizing.adjoint({**attrs, "size": x.shape[1:3]}, needed(douts[0])),)
