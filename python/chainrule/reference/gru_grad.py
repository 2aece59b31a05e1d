"""dx, dp and dh_0 of `gru`, from its inputs, its result h, and dh

Back through the steps, with z and r the gates and n the candidate: dn = dh (1 - z) (1 - n^2),
dx = (dh (h_{t-1} - n) z (1 - z), dn p_n r (1 - r), dn), dp the same but dn r at the end;
dh = dh z + dp w^T. Where the mask is false it stays.

Shapes: those of `gru`, h and dh (N, T, H); dx and dp (N, T, 3 H). Dtypes: floats. It has no derivative.
Errors: shapes and dtypes that do not fit.
Source: the chain rule on `gru`; Werbos, Backpropagation Through Time, 1990.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._recurrent import before, sigmoid, sort


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, Array, Array]:
    """dx, dp, dh_0"""
    given = sort(attrs, inputs, True)
    states, dstates = given.rest
    dx, dp = np.zeros_like(given.x), np.zeros_like(given.x)
    dh = np.zeros_like(given.initial)
    for t, state in before(attrs, given.x, given.initial, states):
        dh = dh + dstates[:, t]
        h = state
        x_z, x_r, x_n = np.split(given.x[:, t], 3, axis=1)
        p_z, p_r, p_n = np.split(inputs[3] + h @ given.weights, 3, axis=1)
        z, r = sigmoid(x_z + p_z), sigmoid(x_r + p_r)
        n = np.tanh(x_n + r * p_n)
        dn = dh * (1 - z) * (1 - n**2)
        dz, dr = dh * (h - n) * z * (1 - z), dn * p_n * r * (1 - r)
        seen = given.mask[:, t, None]
        dx[:, t] = np.where(seen, np.concatenate((dz, dr, dn), axis=1), 0)
        dp[:, t] = np.where(seen, np.concatenate((dz, dr, dn * r), axis=1), 0)
        dh = np.where(seen, dh * z + dp[:, t] @ given.weights.T, dh)
    return dx, dp, dh


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """None for every input: the core refuses to derive it"""
    return (None,) * len(inputs)
