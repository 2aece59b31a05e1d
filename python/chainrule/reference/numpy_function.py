"""y = forward(x), the user's own code in NumPy

dx = backward(x, y, dy), such code too

Shapes: x any; y as `outputs` says. `forward` and `backward` are numbers, under which `CODES` knows the code. It
gets arrays of float64 here, so that it can be held against differences; whether `backward` is the derivative of
`forward` is what the checks are to find.
Dtypes: any; floats have gradients.
Errors: a number that nobody keeps, a result of another shape or dtype, and what the code raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from weakref import WeakValueDictionary

from chainrule.reference._arrays import Array, Attrs, is_float


class Code(Protocol):
    """Code of the user's."""

    def run(self, arrays: list[Array]) -> list[Array]:
        """As many arrays as there are results."""


CODES: WeakValueDictionary[int, Code] = WeakValueDictionary()


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, ...]:
    """What the code gives"""
    return tuple(CODES[attrs["forward"]].run(list(inputs)))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """What the code gives, one gradient for each float input"""
    given = [*inputs, *outputs, *(dout for dout in douts if dout is not None)]
    found = iter(CODES[attrs["backward"]].run(given))
    return tuple(next(found) if is_float(x) else None for x in inputs)
