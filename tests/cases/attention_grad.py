from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.cases.attention import CASES, LONG, attributes, draw_operands, mask, operands
from tests.rows import Bad, Drawn, Row, Spec, draw_array, normal


def _row(
    name: str, attrs: dict[str, Any], inputs: tuple[Spec, ...], grad: tuple[int, ...]
) -> Row:
    q, _, v = inputs[:3]
    dout = Spec((*q.shape[:3], v.shape[3]), layout=q.layout)
    whole = attributes(bias_grad=bool(attrs.get("bias")), **attrs)
    return Row("attention_grad", name, whole, (*inputs, dout), (*grad, len(inputs)))


ROWS = [
    _row(name, attrs, inputs, grad)
    for name, (attrs, inputs, grad) in {**CASES, **LONG}.items()
]

_Q, _K, _V = operands(2, 3, 5)
_ATTRS = attributes(bias_grad=False)
BAD = [
    Bad("attention_grad", name, {**_ATTRS, **attrs}, inputs, error, match)
    for name, attrs, inputs, error, match in (
        ("no-dout", {}, (_Q, _K, _V), "ShapeError", ("4 inputs", "3")),
        ("dout", {}, (_Q, _K, _V, Spec((2, 5, 2, 4))), "ShapeError", ("dout", "(2, 5, 2, 4)")),
        ("no-bias", {"bias_grad": True}, (_Q, _K, _V, _Q), "ValueError", ("bias",)),
        (
            "mask-heads",
            {"mask": True},
            (_Q, _K, _V, mask(2, 1, 4, 5), _Q),
            "ShapeError",
            ("mask", "(2, 1, 4, 5)"),
        ),
        (
            "dtype",
            {},
            (_Q, _K, _V, Spec((2, 3, 2, 4), dtype="float64")),
            "DTypeError",
            ("float32", "float64"),
        ),
    )
]


def draw(data: st.DataObject) -> Drawn:
    drawn = draw_operands(data)
    q, _, v = drawn.inputs[:3]
    dout = draw_array(data, (*q.shape[:3], v.shape[3]), normal)
    bias_grad = drawn.attrs["bias"] and data.draw(st.booleans(), label="bias_grad")
    inputs = [*drawn.inputs, dout]
    grad = (*drawn.grad, len(inputs) - 1)
    return Drawn({**drawn.attrs, "bias_grad": bias_grad}, inputs, grad)
