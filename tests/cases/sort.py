from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    distinct,
    draw_array,
    draw_axis,
    draw_shape,
    exactly,
    integers,
)

nan, inf = float("nan"), float("inf")


def _row(name: str, x: Spec, axis: int, grad: tuple[int, ...] = (0,), **exception) -> Row:
    return Row("sort", name, {"axis": axis}, (x,), grad, **exception)


def _bad(name: str, x: Spec, axis: int, error: str, *match: str) -> Bad:
    return Bad("sort", name, {"axis": axis}, (x,), error, match)


ROWS = [
    _row("last", Spec((3, 5), distinct()), 1),
    _row("first", Spec((5, 3), distinct()), 0),
    _row("middle", Spec((2, 4, 3), distinct()), 1),
    _row("one", Spec((4, 1)), 1),
    _row("empty", Spec((0, 3)), 1),
    _row("empty-axis", Spec((3, 0)), 1),
    _row("long", Spec((1003,), distinct()), 0),
    _row("long-columns", Spec((131, 3), distinct()), 0),
    _row("special", Spec((8,), exactly([nan, 1, -inf, nan, inf, -1, 0, 2])), 0, ()),
    _row("int", Spec((3, 9), integers(-5, 5), "int32"), 1, ()),
    _row("bool", Spec((67,), coins, "bool"), 0, ()),
    _row("uint8", Spec((300,), integers(0, 256), "uint8"), 0, ()),
    *(
        _row(layout, Spec((4, 6), distinct(), layout=layout), axis)
        for axis, layout in ((0, "F"), (1, "every_other"), (1, "backwards"))
    ),
    _row(
        "ties",
        Spec((4, 40), integers(0, 4)),
        1,
        differences=False,
        reason="equal elements change places when one moves",
    ),
]

BAD = [
    _bad("axis", Spec((2, 3)), 2, "ShapeError", "2", "(2, 3)"),
    _bad("scalar", Spec(()), 0, "ShapeError", "()"),
]


def draw(data: st.DataObject) -> Drawn:
    tied = data.draw(st.booleans(), label="ties")
    x = draw_array(data, draw_shape(data, least=1), integers(-2, 3) if tied else distinct())
    return Drawn({"axis": draw_axis(data, x.shape)}, [x], (0,), differences=not tied)
