"""y = the inputs one after another along `axis`

dx_i = the part of dout that came from x_i

Shapes: all the same but along `axis`, where the sizes add. Dtypes: all the same.
Errors: no inputs, ranks or other axes that differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def forward(attrs: Attrs, *inputs: Array) -> Array:
    """y = the inputs one after another along attrs["axis"]"""
    return np.concatenate(inputs, axis=attrs["axis"])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx_i = the part of dout that came from x_i"""
    if not is_float(inputs[0]):
        return (None,) * len(inputs)
    ends = np.cumsum([x.shape[attrs["axis"]] for x in inputs])
    parts = np.split(needed(douts[0]), [int(end) for end in ends[:-1]], axis=attrs["axis"])
    return tuple(parts)
