from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import draw_matrix, symmetric
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers

nan = float("nan")


def _row(name: str, x: Spec, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("eigh", name, {}, (x,), grad)


def _bad(name: str, x: Spec, error: str, *match: str) -> Bad:
    return Bad("eigh", name, {}, (x,), error, match)


ROWS = [
    *(_row(f"side-{n}", Spec((n, n), symmetric)) for n in (1, 2, 3, 6, 35)),
    _row("batch", Spec((2, 3, 4, 4), symmetric)),
    _row("empty", Spec((0, 3, 3), symmetric)),
    *(_row(layout, Spec((4, 4), symmetric, layout=layout)) for layout in ("F", "backwards")),
    _row("lower-alone", Spec((2, 2), exactly([[4, nan], [2, 5]])), ()),
]

BAD = [
    _bad("oblong", Spec((2, 3)), "ShapeError", "square", "(2, 3)"),
    _bad("vector", Spec((3,)), "ShapeError", "(3,)"),
    _bad("of-ints", Spec((2, 2), integers(1, 2), "int32"), "DTypeError", "int32"),
    _bad("nan", Spec((1, 2, 2), exactly([[[1, 0], [nan, 1]]])), "DataError", "finite", "index 0"),
]


def draw(data: st.DataObject) -> Drawn:
    return Drawn({}, [draw_matrix(data, symmetric, square=True)], (0,))
