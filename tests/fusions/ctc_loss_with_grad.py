from __future__ import annotations

import numpy as np

from tests.fusions import Chain, Fused, Left

ATTRS = {"mask_index": 0}


def _inputs(c: Chain) -> list[int]:
    labels, counts, frames = [[1, 2], [2, 2], [3, 0]], [2, 2, 1], [6, 5, 1]
    integers = (c.fed(np.array(x), "int32") for x in (labels, counts, frames))
    return [c.input(3, 6, 4), *integers]


def _grad(c: Chain, inputs: list[int]) -> int:
    return c.push("ctc_loss_grad", ATTRS, *inputs, c.input(3))[0]


def _both(c: Chain) -> list[int]:
    inputs = _inputs(c)
    return [*c.push("ctc_loss", ATTRS, *inputs), _grad(c, inputs)]


def _two_gradients(c: Chain) -> list[int]:
    inputs = _inputs(c)
    return [*c.push("ctc_loss", ATTRS, *inputs), _grad(c, inputs), _grad(c, inputs)]


def _of_other_inputs(c: Chain) -> list[int]:
    return [*c.push("ctc_loss", ATTRS, *_inputs(c)), _grad(c, _inputs(c))]


def _of_another_blank(c: Chain) -> list[int]:
    inputs = _inputs(c)
    return [*c.push("ctc_loss", {"mask_index": 3}, *inputs), _grad(c, inputs)]


def _gradient_first(c: Chain) -> list[int]:
    inputs = _inputs(c)
    grad = _grad(c, inputs)
    return [*c.push("ctc_loss", ATTRS, *inputs), grad]


ROWS = [
    Fused("both", _both),
    Fused("two-gradients", _two_gradients),
    Left("gradient-alone", lambda c: _both(c)[1:], "nothing"),
    Left("gradient-first", _gradient_first, "nothing"),
    Left("of-other-inputs", _of_other_inputs),
    Left("of-another-blank", _of_another_blank),
]
