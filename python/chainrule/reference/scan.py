"""c_{t+1}, y_t = body(c_t, x_t, w) for every step t: the last carry, and all y stacked

dc_t, dx_t, dw_t = body'(c_t, x_t, w; dc_{t+1}, dy_t) from the last step to the first;  dw = sum_t dw_t

Shapes: carries any, kept by the body; sequences (T, ...), of which a step reads its row; w any. Outputs:
the carries, then each y as (T, ...). `reverse` begins with the last row. Dtypes: any; floats have
gradients.
Errors: another number of inputs, sequences of different lengths, a body that changes a carry.
Source: Werbos, Backpropagation through time: what it does and how to do it, 1990.

`body` is the graph of a step (`_bodies`): its inputs are carries, rows and w, its outputs carries and y.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.reference import _bodies, walk
from chainrule.reference._arrays import Array, Attrs, is_float


class _Steps:
    """The steps of one scan, in the order in which they run."""

    def __init__(self, attrs: Attrs, inputs: Sequence[Array]) -> None:
        self.nodes = _bodies.nodes_of(attrs["body"])
        self.outputs: list[int] = list(attrs["body"]["outputs"])
        self.carries: int = attrs["carries"]
        self.first = self.carries + attrs["sequences"]
        self.inputs = inputs
        order = range(attrs["length"])
        self.order = order[::-1] if attrs["reverse"] else order

    def run(self) -> tuple[list[Array], dict[int, dict[int, Array]]]:
        """The last carry, and every value of every step, by the row that the step reads."""
        carry = list(self.inputs[: self.carries])
        found = {}
        for row in self.order:
            rows = [x[row] for x in self.inputs[self.carries : self.first]]
            leaves = dict(enumerate([*carry, *rows, *self.inputs[self.first :]]))
            found[row] = walk.evaluate(self.nodes, leaves, self.outputs)
            carry = [found[row][value] for value in self.outputs[: self.carries]]
        return carry, found


def forward(attrs: Attrs, *inputs: Array) -> tuple[Array, ...]:
    """One step after the other"""
    steps = _Steps(attrs, inputs)
    carry, found = steps.run()
    stacked = []
    for value in steps.outputs[steps.carries :]:
        rows = [found[row][value] for row in range(attrs["length"])]
        stacked.append(np.stack(rows) if rows else _no_rows(attrs, inputs, value))
    return (*carry, *stacked)


def _no_rows(attrs: Attrs, inputs: Sequence[Array], value: int) -> Array:
    """What no step gives: of no rows, in the shape that a step on zeros would give."""
    carries, sequences = attrs["carries"], attrs["sequences"]
    one = [
        np.zeros((1, *x.shape[1:]), x.dtype) if carries <= at < carries + sequences else x
        for at, x in enumerate(inputs)
    ]
    _, found = _Steps({**attrs, "length": 1}, one).run()
    return found[0][value][None][:0]


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """Back through time, as in the head of this file"""
    steps = _Steps(attrs, inputs)
    _, found = steps.run()
    carries = steps.carries
    gradients: list[Any] = [np.zeros_like(x) if is_float(x) else None for x in inputs]
    gradients[:carries] = douts[:carries]
    for row in reversed(steps.order):
        seeds: dict[int, Array] = {}
        now = [*gradients[:carries], *(d if d is None else d[row] for d in douts[carries:])]
        for value, dout in zip(steps.outputs, now, strict=True):
            if dout is not None:
                seeds[value] = seeds[value] + dout if value in seeds else dout
        got = walk.pulled_back(steps.nodes, found[row], seeds)
        for at, x in enumerate(inputs):
            if not is_float(x):
                continue
            if at < carries:
                gradients[at] = got.get(at, np.zeros_like(x))
            elif at < steps.first:
                gradients[at][row] = got.get(at, 0)
            else:
                gradients[at] = gradients[at] + got.get(at, 0)
    return tuple(gradients)
