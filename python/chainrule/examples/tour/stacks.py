"""Deep stacks of dense layers: as a function of the kernels, to look at every layer, and as a model to train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers, ops
from chainrule.examples.tour.page import scans

__all__ = ["WIDTH", "activations_of", "batch", "gradient_norms", "kernels_of", "network"]

Array = npt.NDArray[Any]
Function = Callable[[Any], Any]
# An initializer for each seed.
Rule = Callable[[int], Any]

# As many units a layer as a scan has numbers.
WIDTH = 64
SEEDS_APART = 1000


def batch(rows: int) -> tuple[Array, Array]:
    """The first scans, every number less its mean and in units of its spread, and their labels."""
    (x, y), _ = scans()
    x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-3)
    return x[:rows].astype("float32"), y[:rows]


def kernels_of(depth: int, rule: Rule, seed: int) -> list[Array]:
    """The kernels (WIDTH, WIDTH) of `depth` layers, each drawn anew, and a last one (WIDTH, 10)."""
    units = [WIDTH] * depth + [10]
    return [np.asarray(rule(seed * SEEDS_APART + i)((WIDTH, m))) for i, m in enumerate(units)]


def network(depth: int, activation: str, rule: Rule, seed: int, normalized: bool = False) -> Any:
    """The same as a model, from the same kernels; `normalized` puts batch normalisation in each layer."""
    parts: list[Any] = [cr.Input((WIDTH,))]
    for i in range(depth):
        initializer = rule(seed * SEEDS_APART + i)
        parts.append(layers.Dense(WIDTH, use_bias=not normalized, kernel_initializer=initializer))
        if normalized:
            parts.append(layers.BatchNormalization(momentum=0.9))
        parts.append(layers.Activation(activation))
    last = layers.Dense(10, kernel_initializer=rule(seed * SEEDS_APART + depth))
    return cr.Sequential([*parts, last])


def activations_of(kernels: Sequence[Any], activation: Function, x: Any) -> list[Any]:
    """What each of the layers gives, the last without its activation."""
    given = []
    for kernel in kernels[:-1]:
        x = activation(ops.matmul(x, kernel))
        given.append(x)
    return [*given, ops.matmul(x, kernels[-1])]


def gradient_norms(kernels: list[Array], activation: Function, rows: int = 256) -> Array:
    """(depth + 1,): the norm of the cross-entropy's gradient by the kernel of each layer."""
    x, y = batch(rows)

    def loss(kernels: Any) -> Any:
        scores = activations_of(kernels, activation, x)[-1]
        return ops.mean(cr.losses.sparse_categorical_crossentropy(y, scores, from_logits=True))

    return np.array([np.linalg.norm(g) for g in cr.grad(loss)(kernels)])
