from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import SHAPES, draw_matrix, separated
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers

nan, inf = float("nan"), float("inf")


def _row(name: str, x: Spec, full: bool = False, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("svd", f"{'full' if full else 'thin'}-{name}", {"full": full}, (x,), grad)


def _bad(name: str, x: Spec, error: str, *match: str) -> Bad:
    return Bad("svd", name, {"full": False}, (x,), error, match)


ROWS = [
    *(_row("x".join(map(str, shape)), Spec(shape, separated)) for shape in SHAPES),
    *(
        _row("x".join(map(str, shape)), Spec(shape, separated), True, (0,) if m == n else ())
        for *lead, m, n in SHAPES
        for shape in [(*lead, m, n)]
    ),
    _row("long", Spec((40, 33), separated)),
    *(_row(layout, Spec((4, 3), separated, layout=layout)) for layout in ("F", "backwards")),
    _row("no-columns", Spec((3, 0)), False, ()),
]

BAD = [
    _bad("vector", Spec((3,)), "ShapeError", "(3,)"),
    _bad("of-ints", Spec((2, 2), integers(1, 3), "int32"), "DTypeError", "int32"),
    _bad("nan", Spec((2, 1, 2), exactly([[[1, 2]], [[1, nan]]])), "DataError", "finite", "index 1"),
    _bad("infinite", Spec((1, 2), exactly([[1, inf]])), "DataError", "finite", "index 0"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_matrix(data, separated)
    full = data.draw(st.booleans(), label="full")
    return Drawn({"full": full}, [x], () if full and x.shape[-1] != x.shape[-2] else (0,))
