from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import SHAPES, draw_matrix, separated
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers

nan = float("nan")


def _row(name: str, x: Spec, rcond: float = 1e-12, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("pinv", name, {"rcond": rcond}, (x,), grad)


def _bad(name: str, x: Spec, rcond: float, error: str, *match: str) -> Bad:
    return Bad("pinv", name, {"rcond": rcond}, (x,), error, match)


ROWS = [
    *(_row("x".join(map(str, shape)), Spec(shape, separated)) for shape in SHAPES),
    _row("long", Spec((40, 33), separated)),
    *(_row(layout, Spec((4, 3), separated, layout=layout)) for layout in ("F", "backwards")),
    _row("cut", Spec((5, 4), separated), 0.55, ()),
    _row("rank-1", Spec((3, 2), exactly([[1, 2], [2, 4], [3, 6]])), 1e-6, ()),
    _row("zero", Spec((3, 2), exactly([[0, 0], [0, 0], [0, 0]])), 1e-6, ()),
]

BAD = [
    _bad("vector", Spec((3,)), 0.1, "ShapeError", "(3,)"),
    _bad("of-ints", Spec((2, 2), integers(1, 3), "int32"), 0.1, "DTypeError", "int32"),
    _bad("negative", Spec((2, 2)), -0.5, "ValueError", "rcond", "-0.5"),
    _bad("nan", Spec((1, 2), exactly([[1, nan]])), 0.1, "DataError", "finite"),
]


def draw(data: st.DataObject) -> Drawn:
    return Drawn({"rcond": 1e-9}, [draw_matrix(data, separated)], (0,))
