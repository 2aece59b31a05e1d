from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import SHAPES, draw_matrix, separated
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers


def _row(name: str, x: Spec, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("lu", name, {}, (x,), grad)


ROWS = [
    *(_row("x".join(map(str, shape)), Spec(shape, separated)) for shape in SHAPES),
    *(_row(f"long-{m}x{n}", Spec((m, n), separated)) for m, n in ((97, 97), (100, 55), (55, 100))),
    *(_row(layout, Spec((4, 4), separated, layout=layout)) for layout in ("F", "every_other")),
    _row("singular", Spec((3, 3), exactly([[1, 2, 3], [2, 4, 6], [1, 0, 1]])), ()),
    _row("no-columns", Spec((3, 0)), ()),
]

BAD = [
    Bad("lu", "vector", {}, (Spec((3,)),), "ShapeError", ("(3,)",)),
    Bad("lu", "of-ints", {}, (Spec((2, 2), integers(1, 3), "int32"),), "DTypeError", ("int32",)),
]


def draw(data: st.DataObject) -> Drawn:
    return Drawn({}, [draw_matrix(data, separated)], (0,))
