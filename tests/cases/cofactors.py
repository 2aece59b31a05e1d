from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import draw_matrix, separated
from tests.cases.determinant import SINGULAR
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers

nan = float("nan")


def _row(name: str, x: Spec, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("cofactors", name, {}, (x,), grad)


ROWS = [
    *(_row(f"side-{n}", Spec((n, n), separated)) for n in (1, 2, 4, 5)),
    _row("batch", Spec((2, 3, 3, 3), separated)),
    _row("empty", Spec((0, 2, 2), separated)),
    *(_row(layout, Spec((4, 4), separated, layout=layout)) for layout in ("F", "backwards")),
    *(_row(name, Spec((3, 3), exactly(x)), ()) for name, x in SINGULAR.items() if name != "rank-1"),
    _row("nearly-singular", Spec((2, 2), exactly([[1, 2], [2, 4 + 2**-20]])), ()),
    _row("turned-singular", Spec((2, 2), exactly([[0, 0], [-3, 2]])), ()),
]

BAD = [
    Bad("cofactors", "oblong", {}, (Spec((2, 3)),), "ShapeError", ("square", "(2, 3)")),
    Bad("cofactors", "of-ints", {}, (Spec((2, 2), integers(1, 3), "int32"),), "DTypeError",
        ("int32",)),
    Bad("cofactors", "nan", {}, (Spec((2, 2), exactly([[nan, 1], [2, 3]])),), "DataError",
        ("finite",)),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    return Drawn({}, [draw_matrix(data, separated, square=True)], (0,))
