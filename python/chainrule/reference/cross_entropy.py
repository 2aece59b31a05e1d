"""y = -sum over classes of t_c * log p_c

From logits p = softmax(pred):
dpred = dout * (p * sum of t - t);  dt = -dout * log p
Else p = clip(q, epsilon, 1 - epsilon) with q = pred / s, s = sum of pred:
dpred = (g - sum of g * q) / s with g = -dout * t / p inside the clip, 0 outside;  dt as above

Shapes: pred (..., C); target (..., C), or integer labels (...) when `sparse` (t is then the
one-hot); y (...).
Errors: shapes that differ, a label outside [0, C).
Source: Goodfellow, Bengio and Courville, Deep Learning, section 6.2.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.log_softmax import log_softmax


def _log_p(attrs: Attrs, pred: Array) -> Array:
    if attrs["from_logits"]:
        return log_softmax(pred, -1)
    p = pred / pred.sum(axis=-1, keepdims=True)
    epsilon = pred.dtype.type(attrs["epsilon"])
    return np.asarray(np.log(np.clip(p, epsilon, 1 - epsilon)))


def targets(attrs: Attrs, pred: Array, target: Array) -> Array:
    """t: a weight for each class; of labels the one-hot."""
    if not attrs["sparse"]:
        return target
    classes = pred.shape[-1]
    if target.size and not (0 <= target.min() and target.max() < classes):
        raise ValueError(f"cross_entropy: a label lies outside [0, {classes})")
    hits: Array = target[..., np.newaxis] == np.arange(classes)
    return hits.astype(pred.dtype)


def forward(attrs: Attrs, pred: Array, target: Array) -> Array:
    """y = -sum over classes of t_c * log p_c"""
    t = targets(attrs, pred, target)
    with np.errstate(invalid="ignore"):
        terms = np.where(t == 0, 0, t * _log_p(attrs, pred))
    return np.asarray(-terms.sum(axis=-1))


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dpred as in the head of this file, dt = -dout * log p"""
    pred, target = inputs
    t = targets(attrs, pred, target)
    dout = needed(douts[0])[..., np.newaxis]
    log_p = _log_p(attrs, pred)
    dtarget = None if attrs["sparse"] else -dout * log_p
    if attrs["from_logits"]:
        return dout * (np.exp(log_p) * t.sum(axis=-1, keepdims=True) - t), dtarget
    total = pred.sum(axis=-1, keepdims=True)
    share = pred / total
    epsilon = pred.dtype.type(attrs["epsilon"])
    inside = (share >= epsilon) & (share <= 1 - epsilon)
    g = np.where(inside, -dout * t / np.where(inside, share, 1), 0)
    return (g - (g * share).sum(axis=-1, keepdims=True)) / total, dtarget
