"""dx and dh_0 of `simple_rnn`, from its inputs, its result h, and dh

Back through the steps: dx_t = dh f'(x_t + h w), dh = dx_t w^T. Where the mask is false it stays.

Shapes: those of `simple_rnn`, h and dh (N, T, H). Dtypes: floats. It has no derivative.
Errors: shapes and dtypes that do not fit.
Source: the chain rule on `simple_rnn`; Werbos, Backpropagation Through Time, 1990.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._recurrent import before, sigmoid, sort

# f, and f' from f's value
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "linear": (lambda x: x, lambda y: np.ones_like(y)),
    "relu": (lambda x: np.maximum(x, 0), lambda y: (y > 0).astype(y.dtype)),
    "sigmoid": (sigmoid, lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda y: 1 - y**2),
}


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, Array]:
    """dx, dh_0"""
    given = sort(attrs, inputs, False)
    states, dstates = given.rest
    f, slope = ACTIVATIONS[attrs["activation"]]
    dx, dh = np.zeros_like(given.x), np.zeros_like(given.initial)
    for t, state in before(attrs, given.x, given.initial, states):
        dh = dh + dstates[:, t]
        y = f(given.x[:, t] + state @ given.weights)
        seen = given.mask[:, t, None]
        dx[:, t] = np.where(seen, dh * slope(y), 0)
        dh = np.where(seen, dx[:, t] @ given.weights.T, dh)
    return dx, dh


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """None for every input: the core refuses to derive it"""
    return (None,) * len(inputs)
