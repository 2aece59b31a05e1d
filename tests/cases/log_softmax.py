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
    uniform,
)


def _row(name: str, x: Spec, axis: int, grad: tuple[int, ...] = (0,), **exception) -> Row:
    return Row("log_softmax", name, {"axis": axis}, (x,), grad, **exception)


def _bad(name: str, x: Spec, axis: int, error: str, *match: str) -> Bad:
    return Bad("log_softmax", name, {"axis": axis}, (x,), error, match)


ROWS = [
    _row("last", Spec((3, 5)), 1),
    _row("first", Spec((3, 5)), 0),
    _row("middle", Spec((2, 4, 3)), 1),
    _row("vector", Spec((7,)), 0),
    _row("classes", Spec((33, 10)), 1),
    _row("long", Spec((3, 1003)), 1),
    _row("long-columns", Spec((1029, 3)), 0),
    _row("empty-rows", Spec((0, 3)), 1),
    _row("empty-axis", Spec((3, 0)), 1),
    _row("one-class", Spec((4, 1), exactly([-3.0, 0.0, 2.0, 1e4])), 1),
    _row("equal", Spec((2, 4), exactly([[1.0] * 4, [-7.0] * 4])), 1),
    _row("large", Spec((3, 4), uniform(-1e4, 1e4)), 1),
    _row("shifted", Spec((3, 4), uniform(1000, 1004)), 1),
    _row("far-apart", Spec((2, 3), exactly([[0, -50, -120], [90, 0, 88]])), 1),
    _row(
        "minus-infinity",
        Spec((2, 3), exactly([[0, float("-inf"), 1], [2, 1, float("-inf")]])),
        1,
        (),
    ),
    _row("nan", Spec((2, 3), exactly([[0, float("nan"), 1], [2, 1, 0]])), 1, ()),
    *(
        _row(layout, Spec((4, 6), layout=layout), axis)
        for axis, layout in ((1, "F"), (0, "every_other"), (1, "backwards"))
    ),
]

BAD = [
    _bad("axis", Spec((2, 3)), 2, "ShapeError", "2", "(2, 3)"),
    _bad("scalar", Spec(()), 0, "ShapeError", "()"),
    _bad("of-ints", Spec((3,), integers(0, 3), "int32"), 0, "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, least=1))
    return Drawn({"axis": draw_axis(data, x.shape)}, [x], (0,))
