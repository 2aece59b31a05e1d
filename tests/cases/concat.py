from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_axis, draw_shape, integers


def _row(name: str, axis: int, *inputs: Spec, grad: bool = True) -> Row:
    return Row("concat", name, {"axis": axis}, inputs, tuple(range(len(inputs))) if grad else ())


def _bad(name: str, axis: int, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("concat", name, {"axis": axis}, inputs, error, match)


ROWS = [
    _row("rows", 0, Spec((2, 3)), Spec((4, 3))),
    _row("columns", 1, Spec((2, 3)), Spec((2, 1)), Spec((2, 5))),
    _row("middle", 1, Spec((2, 3, 4)), Spec((2, 2, 4))),
    _row("one", 0, Spec((2, 3))),
    _row("empty-part", 0, Spec((2, 3)), Spec((0, 3)), Spec((1, 3))),
    _row("all-empty", 1, Spec((0, 3)), Spec((0, 2))),
    _row("long", 0, Spec((1003,)), Spec((1,)), Spec((29,))),
    _row("many", 0, *(Spec((1, 2)) for _ in range(20))),
    _row(
        "int",
        0,
        Spec((3,), integers(-9, 9), "int32"),
        Spec((4,), integers(-9, 9), "int32"),
        grad=False,
    ),
    _row("bool", 1, Spec((3, 2), coins, "bool"), Spec((3, 1), coins, "bool"), grad=False),
    _row(
        "strided",
        1,
        Spec((4, 6), layout="F"),
        Spec((4, 6), layout="every_other"),
        Spec((4, 2), layout="backwards"),
    ),
]

BAD = [
    _bad("none", 0, (), "ShapeError", "input"),
    _bad("other-axis", 0, (Spec((2, 3)), Spec((2, 4))), "ShapeError", "3", "4"),
    _bad("rank", 0, (Spec((2, 3)), Spec((3,))), "ShapeError", "(2, 3)", "(3,)"),
    _bad("axis", 2, (Spec((2, 3)), Spec((2, 3))), "ShapeError", "2", "(2, 3)"),
    _bad("scalars", 0, (Spec(()), Spec(())), "ShapeError", "()"),
    _bad(
        "dtypes",
        0,
        (Spec((3,)), Spec((3,), integers(0, 3), "int32")),
        "DTypeError",
        "float32",
        "int32",
    ),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data, least=1)
    axis = draw_axis(data, shape)
    sizes = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4), label="sizes")
    inputs = [draw_array(data, (*shape[:axis], n, *shape[axis + 1 :])) for n in sizes]
    return Drawn({"axis": axis}, inputs, tuple(range(len(inputs))))
