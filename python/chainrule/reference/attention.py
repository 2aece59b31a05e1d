"""y = (d * p) v with p = softmax over the keys of scale * q k^T + bias, head by head

with G = dout v^T * d and ds = p * (G - sum of p * G over the keys), 0 where masked:
dq = scale * ds k;  dk = scale * ds^T q;  dv = (d * p)^T dout;  dbias = ds

A score that the mask, or with `causal` its place (a key behind the query), rules out is -0.7 times
the largest number, so a row that is ruled out whole weighs all keys alike, or none with `zero_masked`.

Shapes: q (B, T, N, H), k (B, S, K, H), v (B, S, K, E), y (B, T, N, E); K divides N and query head n
reads head n // (N / K). Then as the attributes say: mask bool and bias, which broadcast to
(B, N, T, S); seed uint32 (2,) where `rate` > 0, d being `dropout` of ones (B, N, T, S), else 1.
Errors: ranks other than 4, sizes that differ, K that does not divide N, a rate outside [0, 1).
Source: Vaswani et al., Attention Is All You Need, 2017; Ainslie et al., GQA, 2023 (grouped heads).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.reference import dropout, softmax
from chainrule.reference._arrays import Array, Attrs, needed, unbroadcast


@dataclass(frozen=True)
class Weights:
    """p, d and where a score counts, all (B, N, T, S); the masked scores are ruled out."""

    p: Array
    d: Array
    counts: Array


def spread(x: Array, heads: int) -> Array:
    """Heads of k or v, each as often as heads of q read it: (B, S, K, H) -> (B, S, N, H)"""
    return np.repeat(x, heads // x.shape[2], axis=2)


def gather(x: Array, heads: int) -> Array:
    """The transpose of `spread`: the sum over the heads of q that read one"""
    batch, rows, all_heads, depth = x.shape
    return np.asarray(x.reshape(batch, rows, heads, all_heads // heads, depth).sum(axis=3))


def weights(attrs: Attrs, q: Array, k: Array, rest: Sequence[Array]) -> Weights:
    """The softmax of the scores, from q, k and what is given of mask, bias and seed"""
    left = list(rest)
    mask = left.pop(0) if attrs["mask"] else None
    bias = left.pop(0) if attrs["bias"] else None
    seed = left.pop(0) if attrs["rate"] > 0 else None
    s = attrs["scale"] * np.einsum("btnh,bsnh->bnts", q, spread(k, q.shape[2]))
    if bias is not None:
        s = s + bias
    counts = np.ones(s.shape, bool)
    if mask is not None:
        counts &= mask
    if attrs["causal"]:
        counts &= np.tri(*s.shape[2:], dtype=np.bool_)
    s = np.where(counts, s, -0.7 * np.finfo(s.dtype).max).astype(q.dtype)
    p = softmax.forward({"axis": 3}, s) if s.size else s
    if attrs["zero_masked"]:
        p = np.where(counts, p, 0)
    ones = np.ones(s.shape, q.dtype)
    d = ones if seed is None else dropout.forward({"rate": attrs["rate"]}, ones, seed)
    return Weights(p, d, counts)


def forward(attrs: Attrs, q: Array, k: Array, v: Array, *rest: Array) -> Array:
    """y = (d * p) v"""
    w = weights(attrs, q, k, rest)
    y = np.einsum("bnts,bsne->btne", w.d * w.p, spread(v, q.shape[2]))
    return np.asarray(y, q.dtype)


def by_scores(w: Weights, q: Array, v: Array, dout: Array) -> Array:
    """ds = p * (G - sum of p * G), 0 where masked"""
    g = w.d * np.einsum("btne,bsne->bnts", dout, spread(v, q.shape[2]))
    ds = w.p * (g - (w.p * g).sum(axis=3, keepdims=True))
    return np.where(w.counts, ds, 0)


def gradients(
    attrs: Attrs, q: Array, k: Array, v: Array, rest: Sequence[Array], dout: Array
) -> tuple[Array, Array, Array, Array]:
    """dq, dk, dv and ds"""
    w = weights(attrs, q, k, rest)
    ds = by_scores(w, q, v, dout)
    scaled = attrs["scale"] * ds
    dq = np.einsum("bnts,bsnh->btnh", scaled, spread(k, q.shape[2]))
    dk = np.einsum("bnts,btnh->bsnh", scaled, q)
    dv = np.einsum("bnts,btne->bsne", w.d * w.p, dout)
    return dq, gather(dk, k.shape[2]), gather(dv, v.shape[2]), ds


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dq, dk, dv and, where a bias is given, ds summed to its shape"""
    q, k, v, *rest = inputs
    dq, dk, dv, ds = gradients(attrs, q, k, v, rest, needed(douts[0]))
    others: list[Array | None] = [None] * len(rest)
    if attrs["bias"]:
        place = int(attrs["mask"])
        others[place] = unbroadcast(ds, rest[place].shape)
    return dq, dk, dv, *others
