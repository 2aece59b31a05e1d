"""dx, dh_0 and dc_0 of `lstm`, from its inputs, its results h and c, dh, and dc where `by_carries`

Back through the steps, with i, f, o the sigmoid and g the tanh of the products:
dc += dh o (1 - tanh(c_t)^2); d(i, f, g, o) = (dc g i (1 - i), dc c_{t-1} f (1 - f), dc i (1 - g^2),
dh tanh(c_t) o (1 - o)); dh = d(i, f, g, o) w^T; dc = dc f. Where the mask is false both stay.

Shapes: those of `lstm`, h, c, dh and dc (N, T, H). Dtypes: floats. It has no derivative.
Errors: shapes and dtypes that do not fit.
Source: the chain rule on `lstm`; Werbos, Backpropagation Through Time, 1990.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._recurrent import before, sigmoid, sort


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, Array, Array]:
    """dx, dh_0, dc_0"""
    given = sort(attrs, inputs, True)
    states, carries, dstates = given.rest[:3]
    dcarries = given.rest[3] if attrs["by_carries"] else np.zeros_like(carries)
    dx = np.zeros_like(given.x)
    dh, dc = np.zeros_like(given.initial), np.zeros_like(given.initial)
    c_before = [c for _, c in before(attrs, given.x, inputs[3], carries)]
    for (t, h), c in zip(before(attrs, given.x, given.initial, states), c_before):
        dh, dc = dh + dstates[:, t], dc + dcarries[:, t]
        i, f, g, o = np.split(given.x[:, t] + h @ given.weights, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        tanh_c = np.tanh(carries[:, t])
        by_c = dc + dh * o * (1 - tanh_c**2)
        gates = (
            by_c * g * i * (1 - i),
            by_c * c * f * (1 - f),
            by_c * i * (1 - g**2),
            dh * tanh_c * o * (1 - o),
        )
        seen = given.mask[:, t, None]
        dx[:, t] = np.where(seen, np.concatenate(gates, axis=1), 0)
        dh = np.where(seen, dx[:, t] @ given.weights.T, dh)
        dc = np.where(seen, by_c * f, dc)
    return dx, dh, dc


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """None for every input: the core refuses to derive it"""
    return (None,) * len(inputs)
