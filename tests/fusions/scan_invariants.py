from __future__ import annotations

from tests.cases.scan import Step, attrs_of
from tests.fusions import Chain, Fused, Left
from tests.rows import Spec


def _tanh_of_weights(c: Chain) -> list[int]:
    """c' = c + x tanh(w)^T, and y the weights themselves."""
    carry, x, w = Spec((3, 2)), Spec((4, 3, 5)), Spec((2, 5))
    step = Step(carry, Spec((3, 5)), w)
    turned = step("transpose", step.unary("tanh", step.inputs[2]), axes=[1, 0])
    new = step.binary("add", step.inputs[0], step.matmul(step.inputs[1], turned))
    attrs = step.attrs([new, turned], **attrs_of(4))
    return c.push("scan", attrs, *(c.input(*spec.shape) for spec in (carry, x, w)))


def _reshaped_weights(c: Chain) -> list[int]:
    carry, w = Spec((3, 2)), Spec((2,))
    step = Step(carry, w)
    wide = step("broadcast_to", step("reshape", step.inputs[1], shape=[1, 2]), shape=[3, 2])
    new = step.binary("mul", step.inputs[0], wide)
    attrs = step.attrs([new], **attrs_of(4, 1, 0))
    return c.push("scan", attrs, c.input(3, 2), c.input(2))


def _nothing_steady(c: Chain) -> list[int]:
    step = Step(Spec((3,)))
    attrs = step.attrs([step.unary("tanh", step.inputs[0])], **attrs_of(4, 1, 0))
    return c.push("scan", attrs, c.input(3))


ROWS = [
    Fused("weights", _tanh_of_weights),
    Left("views", _reshaped_weights),
    Left("nothing", _nothing_steady),
]
