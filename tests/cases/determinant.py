from __future__ import annotations

from hypothesis import strategies as st

from tests.cases._matrices import draw_matrix, separated
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers

nan = float("nan")


def _row(name: str, x: Spec, log: bool, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("determinant", f"{'log-' if log else ''}{name}", {"log": log}, (x,), grad)


SINGULAR = {
    "rank-2": [[1, 2, 3], [2, 4, 6], [1, 0, 1]],
    "rank-1": [[1, 2, 3], [2, 4, 6], [3, 6, 9]],
    "zero": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
}

ROWS = [
    *(
        _row(f"side-{n}", Spec((n, n), separated), log)
        for log in (False, True)
        for n in (1, 2, 4, 5)
    ),
    *(_row("batch", Spec((2, 3, 3, 3), separated), log) for log in (False, True)),
    *(_row("empty", Spec((0, 2, 2), separated), log) for log in (False, True)),
    *(_row("no-sides", Spec((2, 0, 0)), log, ()) for log in (False, True)),
    _row("long", Spec((61, 61), separated), True),
    *(
        _row(layout, Spec((4, 4), separated, layout=layout), log)
        for log in (False, True)
        for layout in ("F", "backwards")
    ),
    *(_row(name, Spec((3, 3), exactly(x)), True, ()) for name, x in SINGULAR.items()),
    _row("nan", Spec((2, 2), exactly([[nan, 1], [2, 3]])), False, ()),
]

BAD = [
    Bad("determinant", "oblong", {"log": False}, (Spec((2, 3)),), "ShapeError", ("square", "(2, 3)")),
    Bad("determinant", "of-ints", {"log": True}, (Spec((2, 2), integers(1, 3), "int32"),),
        "DTypeError", ("int32",)),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    log = data.draw(st.booleans(), label="log")
    return Drawn({"log": log}, [draw_matrix(data, separated, square=True)], (0,))
