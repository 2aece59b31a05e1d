"""h_t = z h + (1 - z) tanh(x_n + r p_n), z = sigmoid(x_z + p_z), r = sigmoid(x_r + p_r), p = b + h w

h is the state of the step before. dw = sum over t of h^T dp_t, db = sum of dp; dx, dp, dh_0
back through the steps as in `gru_grad`.

Inputs: x (N, T, 3 H) of gates z, r, n, w (H, 3 H), h_0 (N, H), b (3 H), a mask (N, T) where `masked`.
Result: h of all steps, (N, T, H); where the mask is false it stays.
`reverse` begins with the last step. Dtypes: floats, one for all; the mask bool.
Errors: shapes and dtypes that do not fit.
Source: Cho et al. 2014 (arXiv 1406.1078), with the reset gate after the product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import gru_grad
from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._recurrent import before, order, sigmoid, sort


def forward(attrs: Attrs, *inputs: Array) -> Array:
    """h of all steps"""
    given = sort(attrs, inputs, True)
    state = given.initial
    states = np.zeros((*given.x.shape[:2], state.shape[1]), state.dtype)
    for t in order(attrs, given.x):
        h = state
        x_z, x_r, x_n = np.split(given.x[:, t], 3, axis=1)
        p_z, p_r, p_n = np.split(inputs[3] + h @ given.weights, 3, axis=1)
        z, r = sigmoid(x_z + p_z), sigmoid(x_r + p_r)
        new = z * h + (1 - z) * np.tanh(x_n + r * p_n)
        state = np.where(given.mask[:, t, None], new, state)
        states[:, t] = state
    return states


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, dw, dh_0 and db as in the head of this file"""
    given = sort(attrs, inputs, True)
    dx, dp, dh_0 = gru_grad.forward(attrs, *inputs, outputs[0], needed(douts[0]))
    dw = np.zeros_like(given.weights)
    for t, h in before(attrs, given.x, given.initial, outputs[0]):
        dw += h.T @ dp[:, t]
    return (dx, dw, dh_0, dp.sum(axis=(0, 1)), *[None] * (len(inputs) - 4))
