"""What the recurrent ops share: their inputs in order, and the walk over the steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.reference._arrays import Array, Attrs


class Inputs(NamedTuple):
    """x (N, T, G H), weights (H, G H), initial (N, H), own: a carry, a bias, or nothing."""

    x: Array
    weights: Array
    initial: Array
    own: Array | None
    mask: Array
    rest: Sequence[Array]


def sort(attrs: Attrs, inputs: Sequence[Array], has_own: bool) -> Inputs:
    """The inputs by name, those that are not there as what changes nothing."""
    left = list(inputs)
    x, weights, initial = left[:3]
    left = left[3:]
    own = left.pop(0) if has_own else None
    mask = left.pop(0) if attrs["masked"] else np.ones(x.shape[:2], bool)
    return Inputs(x, weights, initial, own, mask, left)


def order(attrs: Attrs, x: Array) -> list[int]:
    """The positions in the order of the steps."""
    positions = list(range(x.shape[1]))
    return positions[::-1] if attrs["reverse"] else positions


def before(attrs: Attrs, x: Array, first: Array, states: Array) -> Iterator[tuple[int, Array]]:
    """From the last step to the first: its position, and the state before it."""
    steps = order(attrs, x)
    for at in range(len(steps) - 1, -1, -1):
        yield steps[at], states[:, steps[at - 1]] if at else first


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))"""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), x.dtype)
