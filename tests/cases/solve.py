from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import draw_matrix, separated
from tests.rows import Bad, Drawn, Row, Spec, draw_array, exactly, integers


def _row(name: str, a: Spec, b: Spec, transpose: bool, grad: tuple[int, ...] = (0, 1)) -> Row:
    way = "transposed-" if transpose else ""
    return Row("solve", f"{way}{name}", {"transpose": transpose}, (a, b), grad)


def _bad(name: str, a: Spec, b: Spec, error: str, *match: str) -> Bad:
    return Bad("solve", name, {"transpose": False}, (a, b), error, match)


ROWS = [
    *(
        _row(f"{n}-by-{k}", Spec((n, n), separated), Spec((n, k)), transpose)
        for transpose in (False, True)
        for n, k in ((1, 1), (4, 3), (3, 1), (97, 5))
    ),
    _row("batch", Spec((2, 3, 4, 4), separated), Spec((2, 3, 4, 2)), False),
    _row("empty", Spec((0, 3, 3), separated), Spec((0, 3, 2)), False),
    _row("no-columns", Spec((3, 3), separated), Spec((3, 0)), False, ()),
    *(
        _row(layout, Spec((4, 4), separated, layout=layout), Spec((4, 3), layout=layout), False)
        for layout in ("F", "backwards")
    ),
]

BAD = [
    _bad("oblong", Spec((2, 3)), Spec((2, 1)), "ShapeError", "square", "(2, 3)"),
    _bad("rows", Spec((2, 2)), Spec((3, 1)), "ShapeError", "2 rows", "(3, 1)"),
    _bad("batches", Spec((4, 2, 2)), Spec((5, 2, 1)), "ShapeError", "(4, 2, 2)", "(5, 2, 1)"),
    _bad("vector", Spec((2, 2)), Spec((2,)), "ShapeError", "(2,)"),
    _bad("of-ints", Spec((1, 1), integers(1, 2), "int32"), Spec((1, 1), integers(1, 2), "int32"),
         "DTypeError", "int32"),
    _bad("singular", Spec((2, 2, 2), exactly([[[1, 0], [0, 1]], [[1, 2], [2, 4]]])),
         Spec((2, 2, 1)), "DataError", "invertible", "index 1"),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    a = draw_matrix(data, separated, square=True)
    columns = data.draw(st.integers(1, 3), label="columns of b")
    b = draw_array(data, (*a.shape[:-1], columns))
    return Drawn({"transpose": data.draw(st.booleans(), label="transpose")}, [a, b], (0, 1))
