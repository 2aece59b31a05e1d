"""y = f(x) over some axes: sum, mean, max, min, prod of numbers, any, all of bools.

sum: dx = dout;  mean: dx = dout / n;  prod: dx_i = dout * product of the others;
max, min: dx = dout shared equally among the elements that reach it

Shapes: y is x without `axes`, or with size 1 there when `keepdims`; no axes reduce nothing. The
dtype stays.
Errors: max and min of no elements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.reference._arrays import Array, Attrs, is_float, needed

Axes: TypeAlias = tuple[int, ...]


def _others(x: Array, axes: Axes) -> Array:
    """The product of a group's elements but the own one, without dividing, so zeros are allowed."""
    kept = [i for i in range(x.ndim) if i not in axes]
    order = kept + list(axes)
    moved = x.transpose(order)
    rows = moved.reshape(*moved.shape[: len(kept)], -1)
    one = np.ones_like(rows[..., :1])
    before = np.cumprod(np.concatenate([one, rows[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, rows[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    back = [int(i) for i in np.argsort(order)]
    return np.transpose((before * after).reshape(moved.shape), back)


def _prod_slope(x: Array, y: Array, axes: Axes) -> Array:
    return _others(x, axes) if x.size else x


def _mean(x: Array, axes: Axes) -> Array:
    count = np.prod([x.shape[i] for i in axes], dtype=np.int64)
    return np.asarray(x.sum(axis=axes, keepdims=True, dtype=x.dtype) / np.asarray(count, x.dtype))


def _extreme_slope(x: Array, y: Array, axes: Axes) -> Array:
    reached: Array = (x == y).astype(x.dtype)
    return np.asarray(reached / reached.sum(axis=axes, keepdims=True))


# forward(x, axes) keeps the reduced axes with size 1; slope(x, y, axes) is dy/dx as x.
Forward: TypeAlias = Callable[[Array, Axes], Any]
Slope: TypeAlias = Callable[[Array, Array, Axes], Array]
FUNCTIONS: dict[str, tuple[Forward, Slope | None]] = {
    "sum": (
        lambda x, axes: x.sum(axis=axes, keepdims=True, dtype=x.dtype),
        lambda x, y, axes: np.ones_like(x),
    ),
    "mean": (_mean, lambda x, y, axes: np.full_like(x, y.size / max(x.size, 1))),
    "max": (lambda x, axes: x.max(axis=axes, keepdims=True), _extreme_slope),
    "min": (lambda x, axes: x.min(axis=axes, keepdims=True), _extreme_slope),
    "prod": (lambda x, axes: x.prod(axis=axes, keepdims=True, dtype=x.dtype), _prod_slope),
    "any": (lambda x, axes: x.any(axis=axes, keepdims=True), None),
    "all": (lambda x, axes: x.all(axis=axes, keepdims=True), None),
}


def forward(attrs: Attrs, x: Array) -> Array:
    """y = f(x) over attrs["axes"]"""
    axes = tuple(attrs["axes"])
    with np.errstate(all="ignore"):
        y = np.asarray(FUNCTIONS[attrs["function"]][0](x, axes))
    return y if attrs["keepdims"] else np.squeeze(y, axis=axes)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx = dout * dy/dx, dout repeated over the reduced axes"""
    (x,) = inputs
    slope = FUNCTIONS[attrs["function"]][1]
    if slope is None or not is_float(x):
        return (None,)
    axes = tuple(attrs["axes"])
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    y = outputs[0].reshape(kept)
    dout = needed(douts[0]).reshape(kept)
    with np.errstate(all="ignore"):
        return (dout * slope(x, y, axes),)
