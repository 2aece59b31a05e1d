from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import draw_matrix, positive
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers

nan = float("nan")


def _row(name: str, x: Spec) -> Row:
    return Row("cholesky", name, {}, (x,), (0,))


def _bad(name: str, x: Spec, error: str, *match: str) -> Bad:
    return Bad("cholesky", name, {}, (x,), error, match)


ROWS = [
    *(_row(f"side-{n}", Spec((n, n), positive)) for n in (1, 2, 5, 50, 101)),
    _row("batch", Spec((2, 3, 4, 4), positive)),
    _row("empty", Spec((0, 3, 3), positive)),
    *(_row(layout, Spec((4, 4), positive, layout=layout)) for layout in ("F", "backwards")),
    _row("lower-alone", Spec((2, 2), exactly([[4, nan], [2, 5]]))),
]

BAD = [
    _bad("oblong", Spec((2, 3)), "ShapeError", "square", "(2, 3)"),
    _bad("vector", Spec((3,)), "ShapeError", "(3,)"),
    _bad("of-ints", Spec((2, 2), integers(1, 2), "int32"), "DTypeError", "int32"),
    _bad("indefinite", Spec((2, 2, 2), exactly([[[1, 0], [0, 1]], [[1, 2], [2, 1]]])), "DataError",
         "positive definite", "index 1"),
    _bad("nan", Spec((1, 1), exactly([[nan]])), "DataError", "positive definite"),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    return Drawn({}, [draw_matrix(data, positive, square=True)], (0,))
