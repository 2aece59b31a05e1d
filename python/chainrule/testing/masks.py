"""Masks: what they hide has no influence, and they are compiled as they run."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.testing import common
from chainrule.testing.report import Wrong
from chainrule.testing.runs import Array, State, Subject
from chainrule.tracing.masking import get_keras_mask, set_keras_mask

__all__ = ["check"]

# How far outputs may be off by the rounding of what is masked.
_UNITS = 64


def check(subject: Subject, x: Array, other: Array, state: State, is_one: bool) -> str:
    """Outputs that count are the same whatever stands at masked steps.

    Parameters
    ----------
    subject : Subject
        The layer's call, of one tensor.
    x, other : ndarray (batch, steps, ...)
        The input, and what stands at its masked steps the second time.
    state : State
    is_one : bool
        Whether the compiled call, which gives the bits of the eager one without a mask, must with one.

    Raises
    ------
    Wrong
    """
    mask = steps(*x.shape[:2])
    masked = dataclasses.replace(subject, call=_with_mask(subject), inputs=[*subject.inputs, "mask"])
    hidden = np.where(mask.reshape(mask.shape + (1,) * (x.ndim - 2)), x, other)
    found = []
    with state.kept():
        for array in (x, hidden):
            before = state.read()
            outputs = masked.call(array.copy(), mask)
            found.append([(np.asarray(y), get_keras_mask(y)) for y in tree.flatten(outputs)])
            state.write(before)
    for (a, own), (b, _) in zip(*found):
        _same_where_it_counts(a, b, mask, own)
    if is_one:
        common.same_compiled(masked, [x, mask], state)
    passed = any(own is not None for _, own in found[0])
    return f"masked steps have no influence; the mask is {'' if passed else 'not '}passed on"


def steps(rows: int, count: int) -> Array:
    """A mask (rows, count): the last steps of one row, the first of another, one inside a third."""
    mask = np.ones((rows, count), bool)
    if count > 1:
        mask[0::3, (count + 1) // 2 :] = False
        mask[1::3, : count // 2] = False
        mask[2::3, count // 2] = False
    return mask


def _with_mask(subject: Subject) -> Any:
    def call(x: Any, mask: Any) -> Any:
        x = x[...] if isinstance(x, np.ndarray) else x
        set_keras_mask(x, mask)
        return subject.call(x)

    return call


def _same_where_it_counts(a: Array, b: Array, mask: Array, own: Any) -> None:
    if own is not None:
        own = np.asarray(own)
        if own.shape != a.shape[: own.ndim]:
            raise Wrong(f"the mask of the outputs has shape {own.shape}, the outputs {a.shape}")
    counts = np.ones(a.shape[:1], bool) if own is None else own
    if a.shape[:2] == mask.shape:
        counts = (mask if own is None or own.ndim < 2 else np.asarray(own) & mask)
    x, y = a[counts], b[counts]
    if x.dtype.kind != "f":
        apart = np.asarray(x != y)
    else:
        finite = np.abs(x[np.isfinite(x)])
        least = _UNITS * np.finfo(x.dtype).eps * finite.max(initial=0.0)
        apart = ~((x == y) | (np.abs(x - y) <= least) | (np.isnan(x) & np.isnan(y)))
    if apart.any():
        place = tuple(np.argwhere(apart)[0].tolist())
        raise Wrong(
            f"what stands at masked steps changes outputs that count: {x[place]} becomes {y[place]} "
            f"({int(apart.sum())} of {apart.size})"
        )
