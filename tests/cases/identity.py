from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers


def _row(name: str, x: Spec, tag: int = 1) -> Row:
    grad = (0,) if x.dtype == "float" else ()
    return Row("identity", name, {"tag": tag}, (x,), grad)


ROWS = [
    _row("matrix", Spec((3, 5))),
    _row("largest-tag", Spec((3, 5)), 2**63 - 1),
    _row("scalar", Spec(())),
    _row("empty", Spec((0, 3))),
    _row("long", Spec((1003,))),
    _row("int", Spec((3, 5), integers(-9, 9), "int32")),
    _row("bool", Spec((3, 5), coins, "bool")),
    *(_row(layout, Spec((4, 6), layout=layout)) for layout in ("F", "every_other", "backwards")),
]

BAD = [
    Bad("identity", "two-inputs", {"tag": 0}, (Spec((2,)),) * 2, "ShapeError", ("1", "2")),
    Bad("identity", "negative-tag", {"tag": -1}, (Spec((2,)),), "ValueError", ("-1",)),
]


def draw(data: st.DataObject) -> Drawn:
    tag = data.draw(st.integers(0, 9), label="tag")
    return Drawn({"tag": tag}, [draw_array(data, draw_shape(data))], (0,))
