"""y = body(x)

dx = body'(x; dy)

Shapes: y, then x, which are the inputs of the body; outputs: y. y is given since it has been computed; here it
is computed again, forward as in the gradient. `tag` tells nodes apart and changes no number.
Dtypes: any; floats have gradients.
Errors: another number of inputs, a y of another shape.
Source: Chen, Xu, Zhang & Guestrin, Training deep nets with sublinear memory cost, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import _bodies, walk
from chainrule.reference._arrays import Array, Attrs


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, ...]:
    """y = body(x)"""
    return _bodies.outputs_of(attrs["body"], inputs[len(attrs["body"]["outputs"]) :])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """Back through the body"""
    body, count = attrs["body"], len(outputs)
    seeds: dict[int, Array] = {}
    for value, dout in zip(body["outputs"], douts, strict=True):
        if dout is not None:
            seeds[value] = seeds[value] + dout if value in seeds else dout
    values = _bodies.evaluate(body, inputs[count:])
    found = walk.pulled_back(_bodies.nodes_of(body), values, seeds)
    return (*[None] * count, *(found.get(at) for at in range(len(inputs) - count)))
