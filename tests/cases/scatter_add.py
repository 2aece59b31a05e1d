from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_axis, draw_shape, exactly, integers


def _row(
    name: str, axis: int, size: int, x: Spec, indices: Spec, grad: tuple[int, ...] = (0,)
) -> Row:
    return Row("scatter_add", name, {"axis": axis, "size": size}, (x, indices), grad)


def _bad(name: str, axis: int, x: Spec, indices: Spec, error: str, *match: str) -> Bad:
    return Bad("scatter_add", name, {"axis": axis, "size": 4}, (x, indices), error, match)


def _ids(*shape: int, low: int = 0, high: int = 4, dtype: str = "int32", layout: str = "C") -> Spec:
    return Spec(shape, integers(low, high), dtype, layout)


ROWS = [
    _row("rows", 0, 4, Spec((6, 3)), _ids(6)),
    _row("columns", 1, 4, Spec((3, 6)), _ids(6)),
    _row("middle", 1, 4, Spec((2, 2, 5, 3)), _ids(2, 5)),
    _row("scalar-index", 0, 4, Spec((3,)), _ids()),
    _row("vector", 0, 4, Spec((2, 3)), _ids(2, 3)),
    _row("negative", 0, 4, Spec((9, 3)), _ids(9, low=-4)),
    _row("repeated", 0, 4, Spec((5, 3)), Spec((5,), exactly([2, 2, 2, 0, 2]), "int64")),
    _row("no-indices", 0, 4, Spec((0, 3)), _ids(0)),
    _row("embedding", 0, 1003, Spec((7, 13, 17)), _ids(7, 13, high=1003)),
    _row("many-on-one", 0, 3, Spec((1029,)), _ids(1029, high=3)),
    _row("int", 0, 4, Spec((6,), integers(-9, 9), "int32"), _ids(6), ()),
    _row("strided", 0, 4, Spec((6, 4), layout="F"), _ids(6, layout="every_other")),
    _row("backwards", 1, 4, Spec((3, 6), layout="backwards"), _ids(6, layout="backwards")),
]

BAD = [
    _bad("above", 0, Spec((2, 3)), Spec((2,), exactly([0, 4]), "int32"), "DataError", "4"),
    _bad("below", 0, Spec((2, 3)), Spec((2,), exactly([0, -5]), "int64"), "DataError", "-5", "4"),
    _bad("shapes", 0, Spec((5, 3)), _ids(6), "ShapeError", "6", "(5, 3)"),
    _bad("float-index", 0, Spec((2, 3)), Spec((2,)), "DTypeError", "float32"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data, least=1)
    axis = draw_axis(data, shape)
    n = shape[axis]
    indices = draw_array(data, draw_shape(data, most=2), integers(-n, n), "int32")
    x = draw_array(data, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))
    return Drawn({"axis": axis, "size": n}, [x, indices], (0,))
