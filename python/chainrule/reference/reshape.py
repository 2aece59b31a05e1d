"""y = the elements of x in row-major order, in another shape

dx = dout in the shape of x

Shapes: x and attrs["shape"] hold the same number of elements.
Errors: another number of elements.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, x: Array) -> Array:
    """y = x in attrs["shape"]"""
    return x.reshape(tuple(attrs["shape"]))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout in the shape of x"""
    (x,) = inputs
    return (needed(douts[0]).reshape(x.shape) if is_float(x) else None,)
