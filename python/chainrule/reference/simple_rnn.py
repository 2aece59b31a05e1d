"""h_t = f(x_t + h w), h the state of the step before

dw = sum over t of h_{t-1}^T dx_t; dx and dh_0 back through the steps as in `simple_rnn_grad`

Inputs: x (N, T, H), w (H, H), h_0 (N, H), a mask (N, T) where `masked`.
Result: h of all steps, (N, T, H); where the mask is false it stays. `reverse` begins with the last step;
`activation` f: linear, relu, sigmoid or tanh. Dtypes: floats, one for all; the mask bool.
Errors: shapes and dtypes that do not fit.
Source: Elman, Finding Structure in Time, 1990.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import simple_rnn_grad
from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference._recurrent import before, order, sort


def forward(attrs: Attrs, *inputs: Array) -> Array:
    """h of all steps"""
    given = sort(attrs, inputs, False)
    f, _ = simple_rnn_grad.ACTIVATIONS[attrs["activation"]]
    h = given.initial
    states = np.zeros((*given.x.shape[:2], h.shape[1]), h.dtype)
    for t in order(attrs, given.x):
        new = f(given.x[:, t] + h @ given.weights)
        h = np.where(given.mask[:, t, None], new, h)
        states[:, t] = h
    return states


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dx, dw and dh_0 as in the head of this file"""
    given = sort(attrs, inputs, False)
    dx, dh_0 = simple_rnn_grad.forward(attrs, *inputs, outputs[0], needed(douts[0]))
    dw = np.zeros_like(given.weights)
    for t, h in before(attrs, given.x, given.initial, outputs[0]):
        dw += h.T @ dx[:, t]
    return (dx, dw, dh_0, *[None] * (len(inputs) - 3))
