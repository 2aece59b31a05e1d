"""y = f(a, b), element by element, broadcasting as NumPy.

da = sum over broadcast axes of dout * df/da, and db likewise

Shapes: a and b broadcast together to y. Dtypes: a and b the same; add to mod keep it, comparisons
and logical functions give bool and no gradient. div, atan2 and next_after are for floats, bits,
gcd and lcm for integers.
At ties maximum and minimum share the gradient half and half; at the origin atan2 has the gradient 0.
floor_div rounds towards minus infinity and mod has the sign of the divisor; an integer divided by
zero gives 0. pow: d/db is 0 where a = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed, unbroadcast

Partials: TypeAlias = Callable[[Array, Array, Array], tuple[Array, Array]]


def _pow_partials(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
    da = np.where(b == 0, 0.0, b * np.power(a, np.where(b == 0, 1.0, b - 1)))
    db = np.where(a == 0, 0.0, y * np.log(np.where(a == 0, 1.0, a)))
    return da, db


def _larger(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
    share = np.where(a == b, 0.5, a > b)
    return share, 1 - share


def _smaller(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
    share = np.where(a == b, 0.5, a < b)
    return share, 1 - share


def _atan2_partials(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
    squared = np.where((a == 0) & (b == 0), 1.0, a * a + b * b)
    return b / squared, -a / squared


FUNCTIONS: dict[str, tuple[Callable[[Array, Array], Array], Partials | None]] = {
    "add": (np.add, lambda a, b, y: (np.ones_like(y), np.ones_like(y))),
    "sub": (np.subtract, lambda a, b, y: (np.ones_like(y), -np.ones_like(y))),
    "mul": (np.multiply, lambda a, b, y: (b, a)),
    "div": (np.divide, lambda a, b, y: (1 / b, -a / (b * b))),
    "pow": (np.power, _pow_partials),
    "maximum": (np.maximum, _larger),
    "minimum": (np.minimum, _smaller),
    "atan2": (np.arctan2, _atan2_partials),
    "floor_div": (np.floor_divide, lambda a, b, y: (np.zeros_like(y), np.zeros_like(y))),
    "mod": (np.mod, lambda a, b, y: (np.ones_like(y), -np.floor_divide(a, b))),
    "next_after": (np.nextafter, lambda a, b, y: (np.ones_like(y), np.zeros_like(y))),
    "bit_and": (np.bitwise_and, None),
    "bit_or": (np.bitwise_or, None),
    "bit_xor": (np.bitwise_xor, None),
    "left_shift": (np.left_shift, None),
    "right_shift": (np.right_shift, None),
    "gcd": (np.gcd, None),
    "lcm": (np.lcm, None),
    "eq": (np.equal, None),
    "ne": (np.not_equal, None),
    "lt": (np.less, None),
    "le": (np.less_equal, None),
    "gt": (np.greater, None),
    "ge": (np.greater_equal, None),
    "logical_and": (np.logical_and, None),
    "logical_or": (np.logical_or, None),
    "logical_xor": (np.logical_xor, None),
}


def forward(attrs: Attrs, a: Array, b: Array) -> Array:
    """y = f(a, b)"""
    with np.errstate(all="ignore"):
        y = FUNCTIONS[attrs["function"]][0](a, b)
    return np.asarray(y, dtype=bool if y.dtype == bool else a.dtype)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """da = dout * df/da, db = dout * df/db, summed back to the shapes of a and b"""
    a, b = inputs
    partials = FUNCTIONS[attrs["function"]][1]
    if partials is None or not is_float(a):
        return None, None
    dout = needed(douts[0])
    with np.errstate(all="ignore"):
        da, db = partials(a, b, outputs[0])
        return (
            unbroadcast(np.asarray(dout * da, dtype=a.dtype), a.shape),
            unbroadcast(np.asarray(dout * db, dtype=b.dtype), b.shape),
        )
