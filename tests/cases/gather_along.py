from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_axis, draw_shape, exactly, integers


def _row(name: str, axis: int, x: Spec, indices: Spec, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("gather_along", name, {"axis": axis}, (x, indices), grad)


def _bad(name: str, axis: int, x: Spec, indices: Spec, error: str, *match: str) -> Bad:
    return Bad("gather_along", name, {"axis": axis}, (x, indices), error, match)


def _ids(*shape: int, low: int = 0, high: int = 4, dtype: str = "int32", layout: str = "C") -> Spec:
    return Spec(shape, integers(low, high), dtype, layout)


ROWS = [
    _row("rows", 0, Spec((4, 3)), _ids(6, 3)),
    _row("columns", 1, Spec((3, 4)), _ids(3, 2)),
    _row("middle", 1, Spec((2, 4, 3)), _ids(2, 5, 3)),
    _row("vector", 0, Spec((4,)), _ids(7)),
    _row("negative", 1, Spec((3, 4)), _ids(3, 9, low=-4, dtype="int64")),
    _row("repeated", 0, Spec((4,)), Spec((5,), exactly([2, 2, 2, 0, 2]), "int64")),
    _row("no-indices", 1, Spec((3, 4)), _ids(3, 0)),
    _row("long", 1, Spec((3, 1003)), _ids(3, 67, high=1003)),
    _row("int", 0, Spec((4, 3), integers(-9, 9), "int32"), _ids(2, 3), ()),
    _row("strided", 1, Spec((6, 4), layout="F"), _ids(6, 2, layout="every_other")),
    _row("backwards", 0, Spec((4, 6), layout="backwards"), _ids(2, 6, layout="backwards")),
]

BAD = [
    _bad("above", 0, Spec((4,)), Spec((2,), exactly([0, 4]), "int32"), "DataError", "4"),
    _bad("below", 0, Spec((4,)), Spec((2,), exactly([0, -5]), "int32"), "DataError", "-5", "4"),
    _bad("rank", 0, Spec((4, 3)), _ids(2), "ShapeError", "(4, 3)", "(2,)"),
    _bad("other-axis", 0, Spec((4, 3)), _ids(2, 2), "ShapeError", "3", "(2, 2)"),
    _bad("axis", 2, Spec((4, 3)), _ids(2, 3), "ShapeError", "2", "(4, 3)"),
    _bad("float-index", 0, Spec((4,)), Spec((2,)), "DTypeError", "float32"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, least=1))
    axis = draw_axis(data, x.shape)
    n = x.shape[axis]
    count = data.draw(st.integers(0, 5), label="indices")
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    return Drawn({"axis": axis}, [x, draw_array(data, shape, integers(-n, n), "int32")], (0,))
