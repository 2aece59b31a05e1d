from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import SHAPES, draw_matrix, separated
from tests.rows import Bad, Drawn, Row, Spec, integers


def _row(name: str, x: Spec, complete: bool = False, grad: tuple[int, ...] = (0,)) -> Row:
    form = "complete" if complete else "reduced"
    return Row("qr", f"{form}-{name}", {"complete": complete}, (x,), grad)


ROWS = [
    *(_row("x".join(map(str, shape)), Spec(shape, separated)) for shape in SHAPES),
    *(
        _row("x".join(map(str, shape)), Spec(shape, separated), True, () if m > n else (0,))
        for *lead, m, n in SHAPES
        for shape in [(*lead, m, n)]
    ),
    _row("long", Spec((67, 33), separated)),
    *(_row(layout, Spec((4, 3), separated, layout=layout)) for layout in ("F", "backwards")),
    _row("no-columns", Spec((3, 0)), True, ()),
]

BAD = [
    Bad("qr", "vector", {"complete": False}, (Spec((3,)),), "ShapeError", ("(3,)",)),
    Bad("qr", "of-ints", {"complete": False}, (Spec((2, 2), integers(1, 3), "int32"),),
        "DTypeError", ("int32",)),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    x = draw_matrix(data, separated)
    complete = data.draw(st.booleans(), label="complete")
    tall = x.shape[-2] > x.shape[-1]
    return Drawn({"complete": complete}, [x], () if complete and tall else (0,))
