from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers


def _row(name: str, x: Spec, shape: list[int], grad: tuple[int, ...] = (0,)) -> Row:
    return Row("reshape", name, {"shape": shape}, (x,), grad)


def _bad(name: str, x: Spec, shape: list[int], *match: str) -> Bad:
    return Bad("reshape", name, {"shape": shape}, (x,), "ShapeError", match)


ROWS = [
    _row("flatten", Spec((3, 5)), [15]),
    _row("split", Spec((1024,)), [2, 512]),
    _row("long", Spec((1003,)), [17, 59]),
    _row("to-scalar", Spec((1, 1)), []),
    _row("from-scalar", Spec(()), [1, 1, 1]),
    _row("same", Spec((2, 3)), [2, 3]),
    _row("empty", Spec((0, 3)), [5, 0]),
    _row("int", Spec((2, 6), integers(-9, 9), "int64"), [3, 4], ()),
    _row("bool", Spec((2, 6), coins, "bool"), [12], ()),
    *(
        _row(layout, Spec((4, 6), layout=layout), [3, 8])
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("too-many", Spec((2, 3)), [7], "6", "(7,)"),
    _bad("too-few", Spec((2, 3)), [], "6", "()"),
    _bad("to-empty", Spec((2, 3)), [0, 3], "6", "(0, 3)"),
    Bad("reshape", "negative", {"shape": [-1]}, (Spec((2, 3)),), "ValueError", ("-1",)),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data))
    return Drawn({"shape": data.draw(st.permutations(x.shape), label="new shape")}, [x], (0,))
