from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.cases.scan import Step
from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, integers

OWN = "the gradient is the user's own: half of what differences give"


def square(shape: tuple[int, ...], is_own: bool = False) -> dict[str, Any]:
    """y = x^2, dx = 2 x dy, or x dy"""
    x = Spec(shape)
    there, back = Step(x), Step(x, x)
    y = there.unary("square", there.inputs[0])
    dx = back.binary("mul", *back.inputs)
    dx = dx if is_own else back.binary("add", dx, dx)
    return attrs_of(there, [y], back, [dx], [0])


def attrs_of(there: Step, ys: list[int], back: Step, dxs: list[int], wrt: list[int]) -> Any:
    return {
        "forward": there.graph.body(there.inputs, ys),
        "backward": back.graph.body(back.inputs, dxs),
        "wrt": wrt,
    }


def two_of_three() -> Row:
    """y, z = w x, w + x with an integer n that nobody reads; dx = w dy + dz, dw = x dy + dz"""
    x, n, w = Spec((3,)), Spec((2,), integers(0, 5), "int32"), Spec((3,))
    there, back = Step(x, n, w), Step(x, n, w, x, x)
    ys = [there.binary(f, there.inputs[0], there.inputs[2]) for f in ("mul", "add")]
    a, _, b, dy, dz = back.inputs
    dxs = [back.binary("add", back.binary("mul", other, dy), dz) for other in (b, a)]
    numbers, weights = np.array([1.0, 2.0, -3.0]), np.array([0.5, -2.0, 4.0])
    inputs = (
        Spec((3,), exactly(numbers * weights)),
        Spec((3,), exactly(numbers + weights)),
        Spec((3,), exactly(numbers)),
        n,
        Spec((3,), exactly(weights)),
    )
    attrs = attrs_of(there, ys, back, dxs, [0, 2])
    return Row("custom_gradient", "two-of-three", attrs, inputs, (2, 4))


def _row(name: str, shape: tuple[int, ...], layout: str = "C", is_own: bool = False) -> Row:
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 7 - 3.0
    inputs = (Spec(shape, exactly(x**2), layout=layout), Spec(shape, exactly(x), layout=layout))
    attrs = square(shape, is_own)
    if not is_own:
        return Row("custom_gradient", name, attrs, inputs, (1,))
    return Row("custom_gradient", name, attrs, inputs, (1,), differences=False, reason=OWN)


ROWS = [
    _row("square", (3, 5)),
    _row("own", (3, 5), is_own=True),
    _row("scalar", ()),
    _row("empty", (0, 3)),
    _row("long", (1003,)),
    two_of_three(),
    *(_row(layout, (4, 6), layout) for layout in ("F", "every_other", "backwards")),
]


def _bad(
    name: str, attrs: dict[str, Any], inputs: tuple[Spec, ...], error: str, *match: str
) -> Bad:
    return Bad("custom_gradient", name, attrs, inputs, error, match)


TWO = (Spec((2,)),) * 2
BAD = [
    _bad("inputs", square((2,)), (Spec((2,)),) * 3, "ValueError", "2 inputs", "3"),
    _bad("value", square((2,)), (Spec((3,)), Spec((2,))), "ShapeError", "(2,)", "(3,)"),
    _bad("wrt", {**square((2,)), "wrt": [1]}, TWO, "ValueError", "wrt below 1", "1"),
    _bad("none", {**square((2,)), "wrt": []}, TWO, "ValueError", "0 outputs", "1 outputs"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    x = draw_array(data, shape)
    return Drawn(square(shape), [np.asarray(np.square(x)), x], (1,))
