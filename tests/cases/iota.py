from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, draw_axis, draw_shape


def _attrs(shape: list[int], axis: int, dtype: str = "float") -> dict:
    return {"shape": shape, "axis": axis, "dtype": dtype}


def _row(name: str, shape: list[int], axis: int, dtype: str = "float") -> Row:
    return Row("iota", name, _attrs(shape, axis, dtype), ())


ROWS = [
    _row("vector", [7], 0),
    _row("rows", [3, 5], 0),
    _row("columns", [3, 5], 1),
    _row("middle", [2, 3, 4], 1),
    _row("long", [1003], 0),
    _row("empty", [0, 3], 1),
    _row("empty-axis", [3, 0], 1),
    *(_row(d, [2, 9], 1, d) for d in ("int32", "int64", "uint8", "uint32", "float32", "float64")),
]

BAD = [
    Bad("iota", "axis", _attrs([2, 3], 2), (), "ShapeError", ("2", "(2, 3)")),
    Bad("iota", "scalar", _attrs([], 0), (), "ShapeError", ("()",)),
    Bad("iota", "unknown", _attrs([3], 0, "complex64"), (), "ValueError", ("complex64",)),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data, least=1, smallest=0)
    dtype = data.draw(st.sampled_from(["float", "int32", "int64"]), label="dtype")
    return Drawn(_attrs(list(shape), draw_axis(data, shape), dtype), [])
