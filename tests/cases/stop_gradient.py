from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers

BLOCKED = "the gradient is stopped although the value moves"


def _row(name: str, x: Spec) -> Row:
    if x.dtype != "float":
        return Row("stop_gradient", name, {}, (x,))
    return Row("stop_gradient", name, {}, (x,), (0,), differences=False, reason=BLOCKED)


ROWS = [
    _row("matrix", Spec((3, 5))),
    _row("scalar", Spec(())),
    _row("empty", Spec((0, 3))),
    _row("long", Spec((1003,))),
    _row("int", Spec((3, 5), integers(-9, 9), "int32")),
    _row("bool", Spec((3, 5), coins, "bool")),
    *(_row(layout, Spec((4, 6), layout=layout)) for layout in ("F", "every_other", "backwards")),
]

BAD = [Bad("stop_gradient", "two-inputs", {}, (Spec((2,)), Spec((2,))), "ShapeError", ("1", "2"))]


def draw(data: st.DataObject) -> Drawn:
    return Drawn({}, [draw_array(data, draw_shape(data))], (0,), differences=False)
