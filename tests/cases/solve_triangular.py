from __future__ import annotations

import itertools

from hypothesis import strategies as st

from tests.cases._matrices import draw_matrix, nearly_one, triangular
from tests.rows import Bad, Drawn, Row, Spec, draw_array, exactly, integers

WAYS = [
    {"lower": lower, "transpose": transpose, "unit": unit}
    for lower, transpose, unit in itertools.product((False, True), repeat=3)
]


def _row(name: str, a: Spec, b: Spec, attrs: dict) -> Row:
    way = "".join(f"{key}-" for key, value in attrs.items() if value)
    return Row("solve_triangular", f"{way}{name}", attrs, (a, b), (0, 1))


def _bad(name: str, a: Spec, b: Spec, error: str, *match: str) -> Bad:
    return Bad("solve_triangular", name, WAYS[0], (a, b), error, match)


ROWS = [
    *(_row("small", Spec((4, 4), triangular), Spec((4, 3)), way) for way in WAYS),
    *(
        _row(f"{n}-by-{k}", Spec((n, n), triangular), Spec((n, k)), WAYS[way])
        for way in (0, 4)
        for n, k in ((1, 1), (3, 1))
    ),
    *(_row("long", Spec((67, 67), nearly_one), Spec((67, 3)), WAYS[way]) for way in (0, 2, 4, 6)),
    _row("batch", Spec((2, 3, 4, 4), triangular), Spec((2, 3, 4, 2)), WAYS[0]),
    _row("empty", Spec((0, 3, 3), triangular), Spec((0, 3, 2)), WAYS[0]),
    *(
        _row(layout, Spec((4, 4), triangular, layout=layout), Spec((4, 3), layout=layout), WAYS[4])
        for layout in ("F", "backwards")
    ),
]

BAD = [
    _bad("oblong", Spec((2, 3)), Spec((2, 1)), "ShapeError", "square", "(2, 3)"),
    _bad("rows", Spec((2, 2)), Spec((3, 1)), "ShapeError", "2 rows", "(3, 1)"),
    _bad("of-ints", Spec((1, 1), integers(1, 2), "int32"), Spec((1, 1), integers(1, 2), "int32"),
         "DTypeError", "int32"),
    _bad("singular", Spec((2, 2), exactly([[1, 2], [5, 0]])), Spec((2, 1)), "DataError", "diagonal"),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    a = draw_matrix(data, triangular, square=True)
    columns = data.draw(st.integers(1, 3), label="columns of b")
    b = draw_array(data, (*a.shape[:-1], columns))
    return Drawn(data.draw(st.sampled_from(WAYS), label="way"), [a, b], (0, 1))
