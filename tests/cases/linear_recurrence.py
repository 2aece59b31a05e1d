from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    draw_array,
    draw_axis,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)

SHAPES = {
    "last": ((3, 5), 1),
    "first": ((3, 5), 0),
    "middle": ((2, 4, 3), 1),
    "two": ((2, 3), 0),
    "one": ((4, 1), 1),
    "empty": ((0, 3), 0),
    "empty-axis": ((3, 0), 1),
}
FACTORS = uniform(-1.2, 1.2)


def _attrs(axis: int, reverse: bool = False) -> dict:
    return {"axis": axis, "reverse": reverse}


def _row(name: str, a: Spec, b: Spec, axis: int, reverse: bool) -> Row:
    way = "-reverse" if reverse else ""
    return Row("linear_recurrence", name + way, _attrs(axis, reverse), (a, b), (0, 1))


def _bad(name: str, inputs: tuple[Spec, ...], axis: int, error: str, *match: str) -> Bad:
    return Bad("linear_recurrence", name, _attrs(axis), inputs, error, match)


ROWS = [
    *(
        _row(name, Spec(shape, FACTORS), Spec(shape), axis, reverse)
        for name, (shape, axis) in SHAPES.items()
        for reverse in (False, True)
    ),
    *(
        _row("long", Spec((1003,), uniform(-0.99, 0.99)), Spec((1003,)), 0, reverse)
        for reverse in (False, True)
    ),
    *(
        _row(
            "zeros", Spec((5,), exactly([0.0, 2.0, 0.0, 3.0, 0.0])), Spec((5,), normal), 0, reverse
        )
        for reverse in (False, True)
    ),
    *(
        _row(layout, Spec((4, 6), FACTORS, layout=layout), Spec((4, 6), layout=layout), axis, False)
        for axis, layout in ((0, "F"), (1, "every_other"), (1, "backwards"))
    ),
]

_X = Spec((2, 3))
BAD = [
    _bad("one-input", (_X,), 0, "ShapeError", "2 inputs", "1"),
    _bad("shapes", (_X, Spec((3, 2))), 0, "ShapeError", "(2, 3)", "(3, 2)"),
    _bad("axis", (_X, _X), 2, "ShapeError", "2", "(2, 3)"),
    _bad("scalar", (Spec(()), Spec(())), 0, "ShapeError", "()"),
    _bad("dtypes", (_X, Spec((2, 3), dtype="float64")), 0, "DTypeError", "float32", "float64"),
    _bad("of-ints", (Spec((2, 3), integers(0, 3), "int32"), _X), 0, "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data, least=1)
    inputs = [draw_array(data, shape, FACTORS), draw_array(data, shape, normal)]
    reverse = data.draw(st.booleans(), label="reverse")
    return Drawn(_attrs(draw_axis(data, shape), reverse), inputs, (0, 1))
