"""c_t = sigmoid(f) c + sigmoid(i) tanh(g), h_t = sigmoid(o) tanh(c_t), (i, f, g, o) = x_t + h w

dw = sum over t of h_{t-1}^T dx_t; dx, dh_0, dc_0 back through the steps as in `lstm_grad`

Inputs: x (N, T, 4 H), w (H, 4 H), h_0 (N, H), c_0 (N, H), a mask (N, T) where `masked`. Results: h and c
of all steps, (N, T, H); where the mask is false they stay. `reverse` begins with the last step. Dtypes: floats, one for all; the mask bool.
Errors: shapes and dtypes that do not fit.
Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import lstm_grad
from chainrule.reference._arrays import Array, Attrs
from chainrule.reference._recurrent import before, order, sigmoid, sort


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, Array]:
    """h and c of all steps"""
    given = sort(attrs, inputs, True)
    h, c = given.initial, inputs[3]
    shape = (*given.x.shape[:2], h.shape[1])
    states, carries = np.zeros(shape, h.dtype), np.zeros(shape, h.dtype)
    for t in order(attrs, given.x):
        i, f, g, o = np.split(given.x[:, t] + h @ given.weights, 4, axis=1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        seen = given.mask[:, t, None]
        h, c = np.where(seen, new_h, h), np.where(seen, new_c, c)
        states[:, t], carries[:, t] = h, c
    return states, carries


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, dw, dh_0 and dc_0 as in the head of this file"""
    given = sort(attrs, inputs, True)
    dh, dc = (np.zeros_like(y) if d is None else d for y, d in zip(outputs, douts))
    more = {**attrs, "by_carries": True}
    dx, dh_0, dc_0 = lstm_grad.forward(more, *inputs, *outputs, dh, dc)
    dw = np.zeros_like(given.weights)
    for t, h in before(attrs, given.x, given.initial, outputs[0]):
        dw += h.T @ dx[:, t]
    return (dx, dw, dh_0, dc_0, *[None] * (len(inputs) - 4))
