from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_part, draw_shape, integers


def _row(name: str, x: Spec, shape: list[int], grad: tuple[int, ...] = (0,)) -> Row:
    return Row("broadcast_to", name, {"shape": shape}, (x,), grad)


def _bad(name: str, x: Spec, shape: list[int], *match: str) -> Bad:
    return Bad("broadcast_to", name, {"shape": shape}, (x,), "ShapeError", match)


ROWS = [
    _row("row", Spec((5,)), [3, 5]),
    _row("column", Spec((3, 1)), [3, 5]),
    _row("both", Spec((3, 1)), [2, 3, 4]),
    _row("middle", Spec((2, 1, 4)), [2, 3, 4]),
    _row("scalar", Spec(()), [2, 3]),
    _row("scalar-to-scalar", Spec(()), []),
    _row("same", Spec((2, 3)), [2, 3]),
    _row("long", Spec((1, 1)), [3, 1003]),
    _row("to-empty", Spec((1, 3)), [0, 3]),
    _row("empty", Spec((0,)), [2, 0]),
    _row("int", Spec((5,), integers(-9, 9), "int32"), [3, 5], ()),
    _row("bool", Spec((5,), coins, "bool"), [3, 5], ()),
    *(
        _row(layout, Spec((4, 6), layout=layout), [3, 4, 6])
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("size", Spec((3,)), [4], "(3,)", "(4,)"),
    _bad("rank", Spec((2, 3)), [3], "(2, 3)", "(3,)"),
    _bad("shrink", Spec((2, 3)), [1, 3], "(2, 3)", "(1, 3)"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    return Drawn({"shape": list(shape)}, [draw_array(data, draw_part(data, shape))], (0,))
