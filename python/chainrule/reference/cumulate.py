"""y_i = sum (cumsum) or product (cumprod) of x_0 .. x_i along `axis`

cumsum: dx_j = sum over i >= j of dout_i;  cumprod: dx_j = sum over i >= j of dout_i * product of
x_k, k <= i, k != j

Shapes: y as x. `reverse` runs from the end; `exclusive` leaves x_i itself out of y_i (y_0 is 0, or
1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed


def _shift(x: Array, first: int) -> Array:
    """x moved one place on along axis 0, with `first` in front."""
    return np.concatenate([np.full_like(x[:1], first), x[:-1]])


def _cumsum_slope(x: Array, dout: Array) -> Array:
    slope: Array = np.cumsum(dout[::-1], axis=0)[::-1]
    return slope


def _cumprod_slope(x: Array, dout: Array) -> Array:
    """before_j * after_j with after_j = dout_j + x_{j+1} * after_{j+1}: no division by x_j."""
    before = np.cumprod(_shift(x, 1), axis=0)
    after = dout.copy()
    for j in range(len(x) - 2, -1, -1):
        after[j] += x[j + 1] * after[j + 1]
    return np.asarray(before * after)


# forward(x) along axis 0; backward(x, dout) of the same; what an empty prefix gives
FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array], int]] = {
    "cumsum": (lambda x: np.cumsum(x, axis=0, dtype=x.dtype), _cumsum_slope, 0),
    "cumprod": (lambda x: np.cumprod(x, axis=0, dtype=x.dtype), _cumprod_slope, 1),
}


def _turn(attrs: Attrs, x: Array) -> Array:
    """The axis to the front, reversed where the sum runs from the end."""
    moved = np.moveaxis(x, attrs["axis"], 0)
    return moved[::-1] if attrs["reverse"] else moved


def _turn_back(attrs: Attrs, x: Array) -> Array:
    return np.moveaxis(x[::-1] if attrs["reverse"] else x, 0, attrs["axis"])


def forward(attrs: Attrs, x: Array) -> Array:
    """y = running sum or product along attrs["axis"]"""
    run, _, empty = FUNCTIONS[attrs["function"]]
    y = run(_turn(attrs, x))
    return _turn_back(attrs, _shift(y, empty) if attrs["exclusive"] else y)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx by the running sum from the other end"""
    (x,) = inputs
    if not is_float(x):
        return (None,)
    dout = _turn(attrs, needed(douts[0]))
    if attrs["exclusive"]:
        dout = np.concatenate([dout[1:], np.zeros_like(dout[:1])])
    return (_turn_back(attrs, FUNCTIONS[attrs["function"]][1](_turn(attrs, x), dout)),)
