"""y = forward(x)

dx = backward(x, dy) by the x of `wrt`, whatever the derivative of `forward` is

Shapes: y, then x, which are the inputs of the body `forward`; outputs: y. The inputs of the body `backward` are
x, then dy. y is given since it has been computed; here it is computed again.
Dtypes: y float; x any, those of `wrt` float.
Errors: another number of inputs, a y or a gradient of another shape, a `wrt` that counts no x.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import _bodies
from chainrule.reference._arrays import Array, Attrs, needed


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, ...]:
    """y = forward(x)"""
    count = len(attrs["forward"]["outputs"])
    return _bodies.outputs_of(attrs["forward"], inputs[count:])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """What the body gives"""
    count = len(outputs)
    given = [*inputs[count:], *(needed(dout) for dout in douts)]
    found = _bodies.outputs_of(attrs["backward"], given)
    gradients: list[Array | None] = [None] * len(inputs)
    for at, gradient in zip(attrs["wrt"], found, strict=True):
        gradients[count + at] = gradient
    return tuple(gradients)
