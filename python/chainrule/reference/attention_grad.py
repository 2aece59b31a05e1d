"""dq, dk, dv and with `bias_grad` ds of `attention`, from its inputs and dout

With p, d, G and ds as there, A = dout v^T, and u, w, x, y the gradients by dq, dk, dv and ds, where a
row's sum runs over its keys:
z = scale * (u k^T + q w^T) + y, 0 where masked, is the gradient by ds; by the product rule
dG = p * (z - sum of p * z);  dA = d * dG;
dp = z * (G - sum of p * G) - G * (sum of p * z) + d * (dout x^T), and through the softmax
r = p * (dp - sum of p * dp), 0 where masked, by the scores. So
by q scale * (r k + ds w);  by k scale * (r^T q + ds^T u);  by v dA^T dout;
by dout dA v + (d * p) x;  by the bias r

Shapes: as `attention`; dout (B, T, N, E), ds (B, N, T, S).
Errors: as `attention`; dout of another shape.
Source: Vaswani et al., Attention Is All You Need, 2017, differentiated twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference import attention
from chainrule.reference._arrays import Array, Attrs, needed, unbroadcast
from chainrule.reference.attention import gather, spread


def forward(attrs: Attrs, q: Array, k: Array, v: Array, *rest: Array) -> tuple[Array, ...]:
    """dq, dk, dv and perhaps ds"""
    *given, dout = rest
    dq, dk, dv, ds = attention.gradients(attrs, q, k, v, given, dout)
    all_of_them = (dq, dk, dv, ds) if attrs["bias_grad"] else (dq, dk, dv)
    return tuple(d.astype(q.dtype) for d in all_of_them)


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """The gradients by q, k, v, the bias and dout, as in the head of this file"""
    q, k, v, *given, dout = inputs
    u, w, x = (needed(d) for d in douts[:3])
    n, kinds, scale = q.shape[2], k.shape[2], attrs["scale"]
    weights = attention.weights(attrs, q, k, given)
    p, d = weights.p, weights.d
    many_k, many_v, many_w, many_x = (spread(a, n) for a in (k, v, w, x))

    def scores(a: Array, b: Array) -> Array:
        return np.asarray(np.einsum("btnh,bsnh->bnts", a, b))

    def total(a: Array) -> Array:
        return np.asarray(a.sum(axis=3, keepdims=True))

    g = d * scores(dout, many_v)
    ds = attention.by_scores(weights, q, v, dout)
    z = scale * (scores(u, many_k) + scores(q, many_w))
    if attrs["bias_grad"]:
        z = z + needed(douts[3])
    z = np.where(weights.counts, z, 0)
    da = d * p * (z - total(p * z))
    dp = z * (g - total(p * g)) - g * total(p * z) + d * scores(dout, many_x)
    r = np.where(weights.counts, p * (dp - total(p * dp)), 0)

    def by_query(s: Array, b: Array) -> Array:
        return np.asarray(np.einsum("bnts,bsnh->btnh", s, b))

    def by_key(s: Array, a: Array) -> Array:
        return gather(np.einsum("bnts,btnh->bsnh", s, a), kinds)

    dq = scale * (by_query(r, many_k) + by_query(ds, many_w))
    dk = scale * (by_key(r, q) + by_key(ds, u))
    ddout = by_query(da, many_v) + by_query(d * p, many_x)
    others: list[Array | None] = [None] * len(given)
    if attrs["bias"]:
        place = int(attrs["mask"])
        others[place] = unbroadcast(r, given[place].shape)
    return dq, dk, by_key(da, dout), *others, ddout
