"""y = -log p(target | logits), summed over the alignments of the target with the frames

With z the target and a blank before, between and after its labels, and p = softmax(logits):
alpha_0 = p_0 of the first two states; alpha_t(s) = p_t(z_s) (alpha_{t-1}(s) + alpha_{t-1}(s-1) +
alpha_{t-1}(s-2)), the last one only where z_s is a label that differs from the one before;
y = -log(alpha of the last two states at the last frame). As logarithms, so that nothing underflows.
dlogits_t = dout (p_t - sum over states s of alpha_t(s) beta_t(s) / (p_t(z_s) exp(-y)))

Shapes: logits (N, T, C); target (N, L); target_length, output_length and y (N).
Dtypes: logits floats, the others integers. `mask_index` is the blank's class.
Errors: a target that its frames cannot hold, lengths and labels out of range.
Source: Graves, Fernandez, Gomez and Schmidhuber, Connectionist Temporal Classification, ICML 2006.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.reference._arrays import Array, Attrs, needed
from chainrule.reference.log_softmax import log_softmax


def _rows(attrs: Attrs, inputs: Sequence[Array]) -> Iterator[tuple[Array, Array]]:
    """Of each row: log p of its frames (T, C), and the states z."""
    logits, target, target_length, output_length = inputs
    for x, labels, count, frames in zip(logits, target, target_length, output_length):
        labels = labels[:count]
        repeats = int((labels[1:] == labels[:-1]).sum())
        if not (0 <= count <= target.shape[1] and 0 <= frames <= len(x)):
            raise ValueError("ctc_loss: a length is out of range")
        if count + repeats > frames:
            raise ValueError("ctc_loss: a target is longer than its frames")
        states = np.full(2 * count + 1, attrs["mask_index"])
        states[1::2] = labels
        yield log_softmax(x[:frames], -1), states


def _ways(log_p: Array, states: Array) -> Array:
    """log alpha (T, S)"""
    alpha = np.full((len(log_p), len(states)), -np.inf, log_p.dtype)
    alpha[0, :2] = log_p[0, states[:2]]
    labels = states[1::2]
    # Of the labels, which may follow the one before at once.
    differs = np.concatenate([[False], labels[1:] != labels[:-1]])[: len(labels)]
    for t in range(1, len(log_p)):
        stay, alpha[t] = alpha[t - 1], alpha[t - 1]
        alpha[t, 1:] = np.logaddexp(alpha[t, 1:], stay[:-1])
        over = np.concatenate([[-np.inf], stay[1:-1:2]])[: len(labels)]
        alpha[t, 1::2] = np.logaddexp(alpha[t, 1::2], np.where(differs, over, -np.inf))
        alpha[t] += log_p[t, states]
    return alpha


def _loss(alpha: Array) -> float:
    return -float(np.logaddexp.reduce(alpha[-1, -2:])) if len(alpha) else 0.0


def forward(attrs: Attrs, *inputs: Array) -> Array:
    """y = -log p(target | logits)"""
    losses = [_loss(_ways(*row)) if len(row[0]) else 0.0 for row in _rows(attrs, inputs)]
    return np.array(losses, inputs[0].dtype)


def gradient(attrs: Attrs, inputs: Sequence[Array], dout: Array) -> Array:
    """dlogits, as in the head of this file"""
    dlogits = np.zeros_like(inputs[0])
    for (log_p, states), d, dy in zip(_rows(attrs, inputs), dlogits, dout):
        if not len(log_p):
            continue
        alpha = _ways(log_p, states)
        beta = _ways(log_p[::-1], states[::-1])[::-1, ::-1]
        share = np.exp(alpha + beta - log_p[:, states] + _loss(alpha))
        by_class = np.exp(log_p)
        for s, label in enumerate(states):
            by_class[:, label] -= share[:, s]
        d[: len(log_p)] = dy * by_class
    return dlogits


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """dlogits alone: the target and the lengths are integers"""
    return gradient(attrs, inputs, needed(douts[0])), None, None, None
