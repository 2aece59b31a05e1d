from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    draw_array,
    draw_axis,
    draw_shape,
    exactly,
    integers,
)


def _row(name: str, axis: int, x: Spec, indices: Spec, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("gather", name, {"axis": axis}, (x, indices), grad)


def _bad(name: str, axis: int, x: Spec, indices: Spec, error: str, *match: str) -> Bad:
    return Bad("gather", name, {"axis": axis}, (x, indices), error, match)


def _ids(*shape: int, low: int = 0, high: int = 4, dtype: str = "int32", layout: str = "C") -> Spec:
    return Spec(shape, integers(low, high), dtype, layout)


ROWS = [
    _row("rows", 0, Spec((4, 3)), _ids(6)),
    _row("columns", 1, Spec((3, 4)), _ids(6)),
    _row("middle", 1, Spec((2, 4, 3)), _ids(2, 5)),
    _row("scalar-index", 0, Spec((4, 3)), _ids()),
    _row("vector", 0, Spec((4,)), _ids(2, 3)),
    _row("negative", 0, Spec((4, 3)), _ids(9, low=-4)),
    _row("repeated", 0, Spec((4, 3)), Spec((5,), exactly([2, 2, 2, 0, 2]), "int64")),
    _row("no-indices", 0, Spec((4, 3)), _ids(0)),
    _row("embedding", 0, Spec((1003, 17)), _ids(7, 13, high=1003)),
    *(_row(d, 0, Spec((4, 3)), _ids(6, dtype=d)) for d in ("int64", "uint8", "uint32")),
    _row("int", 0, Spec((4, 3), integers(-9, 9), "int32"), _ids(6), ()),
    _row("bool", 1, Spec((3, 4), coins, "bool"), _ids(6), ()),
    _row("strided", 0, Spec((4, 6), layout="F"), _ids(6, layout="every_other")),
    _row("backwards", 1, Spec((3, 4), layout="backwards"), _ids(2, 3, layout="backwards")),
]

BAD = [
    _bad("above", 0, Spec((4, 3)), Spec((2,), exactly([0, 4]), "int32"), "DataError", "4"),
    _bad("below", 0, Spec((4, 3)), Spec((2,), exactly([0, -5]), "int64"), "DataError", "-5", "4"),
    _bad("from-nothing", 0, Spec((0, 3)), Spec((1,), exactly([0]), "int32"), "DataError", "0"),
    _bad("axis", 2, Spec((4, 3)), _ids(2), "ShapeError", "2", "(4, 3)"),
    _bad("scalar", 0, Spec(()), _ids(2), "ShapeError", "()"),
    _bad("float-index", 0, Spec((4, 3)), Spec((2,)), "DTypeError", "float32"),
    _bad("bool-index", 0, Spec((4, 3)), Spec((2,), coins, "bool"), "DTypeError", "bool"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, least=1))
    axis = draw_axis(data, x.shape)
    n = x.shape[axis]
    indices = draw_array(data, draw_shape(data, most=2), integers(-n, n), "int32")
    return Drawn({"axis": axis}, [x, indices], (0,))
