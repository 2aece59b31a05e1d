"""dx of y = pool(x), for a gradient dy of the shape of y

mean: dx_i = sum of dy_w / count_w over the windows w that hold i
max:  dx_i = sum of dy_w over the windows whose first element equal to y_w is i
ddy_w = mean over w of ddx (mean), ddx at the element chosen (max); none flows to x and y

Shapes: x and dx (N, *S, C), y and dy (N, *O, C). "First" is in index order; where y_w is NaN it is
the first NaN.
Errors: as `pool`; y or dy of another shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed

Place = tuple[Any, ...]


def windows(attrs: Attrs, shape: Sequence[int]) -> Iterator[tuple[Place, Place]]:
    """For each window its place in y and the part of x that it covers, both with N and C."""
    before, after = attrs["padding"][0::2], attrs["padding"][1::2]
    axes = list(zip(shape[1:-1], attrs["window"], attrs["strides"], before, after, strict=True))
    every = slice(None)
    for place in np.ndindex(*((n + a + b - k) // s + 1 for n, k, s, a, b in axes)):
        starts = [o * s - a for o, (_, _, s, a, _) in zip(place, axes)]
        spans = [
            slice(max(start, 0), min(start + k, n)) for start, (n, k, *_) in zip(starts, axes)
        ]
        yield (every, *place, every), (every, *spans, every)


def _first(part: Array, y: Array) -> Array:
    """Where the first element of each window equal to its maximum is; part is (N, *window, C)."""
    flat = part.reshape(part.shape[0], math.prod(part.shape[1:-1]), part.shape[-1])
    hit = (flat == y[:, None]) | np.isnan(flat)
    return np.asarray(hit & (np.cumsum(hit, axis=1) == 1)).reshape(part.shape)


def _over(dy: Array, part: Array) -> Array:
    """dy (N, C) shaped so that it broadcasts over the window of part (N, *window, C)."""
    return dy.reshape(dy.shape[0], *(1 for _ in part.shape[1:-1]), dy.shape[-1])


def _max_grad(part: Array, y: Array, dy: Array) -> Array:
    return np.where(_first(part, y), _over(dy, part), 0)


def _mean_grad(part: Array, y: Array, dy: Array) -> Array:
    count = math.prod(part.shape[1:-1])
    return np.broadcast_to(_over(dy, part) / count, part.shape)


def _max_chosen(part: Array, y: Array, values: Array) -> Array:
    chosen = np.where(_first(part, y), values, 0)
    return np.asarray(chosen.sum(axis=tuple(range(1, part.ndim - 1))))


def _mean_chosen(part: Array, y: Array, values: Array) -> Array:
    return np.asarray(values.mean(axis=tuple(range(1, part.ndim - 1))))


# of one window: dx(part of x, y, dy), and its adjoint ddy(part of x, y, part of ddx)
Rule = Callable[[Array, Array, Array], Array]
FUNCTIONS: dict[str, tuple[Rule, Rule]] = {
    "max": (_max_grad, _max_chosen),
    "mean": (_mean_grad, _mean_chosen),
}


def forward(attrs: Attrs, x: Array, y: Array, dy: Array) -> Array:
    """dx, each window adding its share"""
    gradient, _ = FUNCTIONS[attrs["function"]]
    dx = np.zeros_like(x)
    for place, span in windows(attrs, x.shape):
        dx[span] += gradient(x[span], y[place], dy[place])
    return dx


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """ddy of each window from ddx"""
    x, y, dy = inputs
    ddx = needed(douts[0])
    _, chosen = FUNCTIONS[attrs["function"]]
    ddy = np.zeros_like(dy)
    for place, span in windows(attrs, x.shape):
        ddy[place] = chosen(x[span], y[place], ddx[span])
    return None, None, ddy
