"""y = index along `axis` of the largest (argmax) or smallest (argmin) element, the first of ties

no gradient

Shapes: y is x without `axis`. Dtypes: numbers to int32. A NaN counts as the extreme.
Errors: an empty axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs

FUNCTIONS: dict[str, tuple[Callable[[Array, int], Array], None]] = {
    "argmax": (lambda x, axis: np.argmax(x, axis=axis), None),
    "argmin": (lambda x, axis: np.argmin(x, axis=axis), None),
}


def forward(attrs: Attrs, x: Array) -> Array:
    """y = argmax or argmin of x along attrs["axis"]"""
    y = FUNCTIONS[attrs["function"]][0](x, attrs["axis"])
    return np.asarray(y).astype(np.int32)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """An index is piecewise constant."""
    return (None,)
