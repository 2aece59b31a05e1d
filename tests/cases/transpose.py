from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers


def _row(name: str, x: Spec, axes: list[int], grad: tuple[int, ...] = (0,)) -> Row:
    return Row("transpose", name, {"axes": axes}, (x,), grad)


def _bad(name: str, axes: list[int], *match: str) -> Bad:
    return Bad("transpose", name, {"axes": axes}, (Spec((2, 3)),), "ShapeError", match)


ROWS = [
    _row("matrix", Spec((3, 5)), [1, 0]),
    _row("same", Spec((3, 5)), [0, 1]),
    _row("scalar", Spec(()), []),
    _row("vector", Spec((1003,)), [0]),
    _row("cycle", Spec((2, 3, 4)), [2, 0, 1]),
    _row("cycle-back", Spec((2, 3, 4)), [1, 2, 0]),
    _row("four", Spec((2, 3, 4, 5)), [0, 2, 1, 3]),
    _row("ones", Spec((1, 7, 1)), [2, 1, 0]),
    _row("large", Spec((67, 131)), [1, 0]),
    _row("empty", Spec((0, 3)), [1, 0]),
    _row("int", Spec((3, 5), integers(-9, 9), "int32"), [1, 0], ()),
    _row("bool", Spec((3, 5), coins, "bool"), [1, 0], ()),
    *(
        _row(layout, Spec((4, 6), layout=layout), [1, 0])
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("too-few", [0], "2", "(0,)"),
    _bad("too-many", [0, 1, 2], "2", "(0, 1, 2)"),
    _bad("twice", [0, 0], "2", "(0, 0)"),
    _bad("outside", [0, 2], "2", "(0, 2)"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, most=4))
    return Drawn({"axes": data.draw(st.permutations(range(x.ndim)), label="axes")}, [x], (0,))
