from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_axis, draw_shape, exactly, integers


def _row(
    name: str, axis: int, size: int, x: Spec, indices: Spec, grad: tuple[int, ...] = (0,)
) -> Row:
    return Row("scatter_along", name, {"axis": axis, "size": size}, (x, indices), grad)


def _bad(name: str, x: Spec, indices: Spec, error: str, *match: str) -> Bad:
    return Bad("scatter_along", name, {"axis": 0, "size": 4}, (x, indices), error, match)


def _ids(*shape: int, low: int = 0, high: int = 4, dtype: str = "int32", layout: str = "C") -> Spec:
    return Spec(shape, integers(low, high), dtype, layout)


ROWS = [
    _row("rows", 0, 4, Spec((6, 3)), _ids(6, 3)),
    _row("columns", 1, 4, Spec((3, 2)), _ids(3, 2)),
    _row("middle", 1, 4, Spec((2, 5, 3)), _ids(2, 5, 3)),
    _row("negative", 1, 4, Spec((3, 9)), _ids(3, 9, low=-4, dtype="int64")),
    _row("repeated", 0, 4, Spec((5,)), Spec((5,), exactly([2, 2, 2, 0, 2]), "int64")),
    _row("no-indices", 1, 4, Spec((3, 0)), _ids(3, 0)),
    _row("long", 1, 1003, Spec((3, 67)), _ids(3, 67, high=1003)),
    _row("int", 0, 4, Spec((6,), integers(-9, 9), "int32"), _ids(6), ()),
    _row("strided", 1, 4, Spec((6, 2), layout="F"), _ids(6, 2, layout="every_other")),
    _row("backwards", 0, 4, Spec((2, 6), layout="backwards"), _ids(2, 6, layout="backwards")),
]

BAD = [
    _bad("above", Spec((2,)), Spec((2,), exactly([0, 4]), "int32"), "DataError", "4"),
    _bad("below", Spec((2,)), Spec((2,), exactly([0, -5]), "int32"), "DataError", "-5", "4"),
    _bad("shapes", Spec((5, 3)), _ids(6, 3), "ShapeError", "(5, 3)", "(6, 3)"),
    _bad("float-index", Spec((2,)), Spec((2,)), "DTypeError", "float32"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, least=1))
    size = data.draw(st.integers(1, 5), label="size")
    indices = draw_array(data, x.shape, integers(-size, size), "int32")
    return Drawn({"axis": draw_axis(data, x.shape), "size": size}, [x, indices], (0,))
