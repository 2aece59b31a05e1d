from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    draw_array,
    draw_part,
    draw_shape,
    exactly,
    integers,
)


def _row(name: str, cond: Spec, a: Spec, b: Spec, grad: tuple[int, ...] = (1, 2)) -> Row:
    return Row("select", name, {}, (cond, a, b), grad)


def _cond(*shape: int) -> Spec:
    return Spec(shape, coins, "bool")


ROWS = [
    _row("same", _cond(3, 5), Spec((3, 5)), Spec((3, 5))),
    _row("scalars", _cond(), Spec(()), Spec(())),
    _row("scalar-sides", _cond(4, 7), Spec(()), Spec((1,))),
    _row("scalar-cond", _cond(), Spec((4, 7)), Spec((7,))),
    _row("column-cond", _cond(6, 1), Spec((6, 3)), Spec((1, 3))),
    _row("three-way", _cond(2, 1, 1), Spec((1, 3, 1)), Spec((1, 1, 4))),
    _row("empty", _cond(0, 3), Spec((0, 3)), Spec((3,))),
    _row("long", _cond(1003), Spec((1003,)), Spec((1003,))),
    _row(
        "strided",
        Spec((4, 6), coins, "bool", "every_other"),
        Spec((4, 6), layout="F"),
        Spec((4, 6), layout="backwards"),
    ),
    _row(
        "ints",
        _cond(9),
        Spec((9,), integers(-9, 9), "int32"),
        Spec((9,), integers(-9, 9), "int32"),
        (),
    ),
    _row("bools", _cond(9), Spec((9,), coins, "bool"), Spec((9,), coins, "bool"), ()),
    _row(
        "nan-not-taken",
        Spec((3,), exactly([True, False, True]), "bool"),
        Spec((3,), exactly([1, float("nan"), 3])),
        Spec((3,), exactly([float("inf"), 2, float("nan")])),
        (),
    ),
]

BAD = [
    Bad(
        "select",
        "cond-dtype",
        {},
        (Spec((3,)), Spec((3,)), Spec((3,))),
        "DTypeError",
        ("bool", "float32"),
    ),
    Bad(
        "select",
        "side-dtypes",
        {},
        (_cond(3), Spec((3,)), Spec((3,), integers(0, 3), "int32")),
        "DTypeError",
        ("float32", "int32"),
    ),
    Bad("select", "shapes", {}, (_cond(2), Spec((3,)), Spec((3,))), "ShapeError", ("(2,)", "(3,)")),
    Bad("select", "two-inputs", {}, (_cond(2), Spec((2,))), "ShapeError", ("3", "2")),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    cond = draw_array(data, draw_part(data, shape), coins, "bool")
    a = draw_array(data, shape)
    b = draw_array(data, draw_part(data, shape))
    return Drawn({}, [cond, a, b], (1, 2))
